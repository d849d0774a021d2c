import { expect, test } from "vitest";
import { agreementOf } from "./agreement.ts";

test("agreement compares documents, whichever of their chunks were found", () => {
  expect(agreementOf(["a", "a", "b", "c"], ["a", "b", "b", "c"])).toEqual({ overlap: 1, rankCorrelation: 1 });
  expect(agreementOf(["a", "b", "c"], ["c", "b", "a"])).toEqual({ overlap: 1, rankCorrelation: -1 });
  // a is before b and before c in both; b and c change places.
  expect(agreementOf(["a", "b", "c", "d"], ["a", "c", "b", "e"])).toEqual({ overlap: 0.75, rankCorrelation: 1 / 3 });
});

test("documents after the tenth are ignored, and the overlap is a share of the longer answer", () => {
  const ten = Array.from({ length: 10 }, (_, index) => `d${index}`);
  expect(agreementOf([...ten, "late"], ["late", ...ten]).overlap).toBe(0.9);
  expect(agreementOf(["d0"], ten)).toEqual({ overlap: 0.1, rankCorrelation: null });
});

test("two empty answers agree, and an empty one does not agree with one that has results", () => {
  expect(agreementOf([], [])).toEqual({ overlap: 1, rankCorrelation: null });
  expect(agreementOf([], ["a"])).toEqual({ overlap: 0, rankCorrelation: null });
});
