import { expect, test } from "vitest";
import type { JudgedQuery } from "./judged-query.ts";
import { decidingScores, thresholdCurve, thresholdEffect } from "./thresholds.ts";

const answer = { document: "ru/pay.md", grade: 2, span: { start: 0, end: 50 } };
const help = { document: "ru/tax.md", grade: 1, span: { start: 0, end: 50 } };
const query = (judgements: JudgedQuery["judgements"]): JudgedQuery => ({
  id: "q",
  text: "?",
  language: "ru",
  judgements,
});
const found = (document: string, score: number) => ({ document, start: 0, end: 100, score });

// Four queries: answered at 0.6 after a result that only helps; not found; unanswerable at 0.7; without a result.
const scores = decidingScores(
  [query([answer, help]), query([answer]), query([]), query([])],
  [[found("ru/tax.md", 0.9), found("ru/pay.md", 0.6)], [found("ru/tax.md", 0.8)], [found("ru/pay.md", 0.7)], []],
);

test("the score of the right answer decides, and for an unanswerable question the best score of all", () => {
  expect(scores).toEqual({ right: [0.6, -1], wrong: [0.7, -1] });
});

test("a result at exactly the threshold is shown", () => {
  expect(thresholdEffect(scores, 0.6)).toMatchObject({ answered: { mean: 0.5 }, misled: { mean: 0.5 } });
  expect(thresholdEffect(scores, 0.65)).toMatchObject({ answered: { mean: 0 }, misled: { mean: 0.5 } });
});

test("the curve goes from 0 to 1 in hundredths, and never rises", () => {
  const curve = thresholdCurve(scores);
  expect(curve.length).toBe(101);
  expect(curve[60]).toEqual({ threshold: 0.6, answered: 0.5, misled: 0.5 });
  expect(curve[61]).toEqual({ threshold: 0.61, answered: 0, misled: 0.5 });
  expect(curve.at(-1)).toEqual({ threshold: 1, answered: 0, misled: 0 });
});
