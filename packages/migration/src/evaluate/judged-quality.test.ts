import type { JudgedQuery } from "@reembed/retrieval/measures";
import { expect, test } from "vitest";
import { measureQueries } from "./judged-quality.ts";

const chunk = (document: string, start: number) => ({ document, start, end: start + 100, score: 0.5 });
const ask = (...judgements: JudgedQuery["judgements"]): JudgedQuery => ({
  id: "q1",
  text: "payday",
  language: undefined,
  judgements,
});

test("if documents were judged, further chunks of a document do not count as results", () => {
  const ranking = [chunk("tax", 0), chunk("tax", 100), chunk("pay", 0)];
  const [measures] = measureQueries([ask({ document: "pay", grade: 2 })], [ranking], 10);
  expect(measures?.mrr).toBe(0.5);
});

test("if a part was judged, every chunk counts as a result", () => {
  const ranking = [chunk("pay", 0), chunk("pay", 100), chunk("pay", 200)];
  const part = { document: "pay", grade: 2, span: { start: 220, end: 260 } };
  const [measures] = measureQueries([ask(part, { document: "tax", grade: 1 })], [ranking], 10);
  expect(measures?.mrr).toBeCloseTo(1 / 3, 12);
});
