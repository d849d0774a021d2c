import { expect, test } from "vitest";
import { agreementOf } from "./agreement.ts";

test("answers agree by documents, whichever of their chunks were found", () => {
  expect(agreementOf(["a", "a", "b", "c"], ["a", "b", "b", "c"])).toEqual({ overlap: 1, rankCorrelation: 1 });
  expect(agreementOf(["a", "b", "c"], ["c", "b", "a"])).toEqual({ overlap: 1, rankCorrelation: -1 });
  // a before b and before c in both; b and c change places.
  expect(agreementOf(["a", "b", "c", "d"], ["a", "c", "b", "e"])).toEqual({ overlap: 0.75, rankCorrelation: 1 / 3 });
});

test("documents after the tenth count for nothing, and the longer answer is what is shared", () => {
  const ten = Array.from({ length: 10 }, (_, index) => `d${index}`);
  expect(agreementOf([...ten, "late"], ["late", ...ten]).overlap).toBe(0.9);
  expect(agreementOf(["d0"], ten)).toEqual({ overlap: 0.1, rankCorrelation: null });
});

test("two empty answers agree, and one does not agree with another", () => {
  expect(agreementOf([], [])).toEqual({ overlap: 1, rankCorrelation: null });
  expect(agreementOf([], ["a"])).toEqual({ overlap: 0, rankCorrelation: null });
});
