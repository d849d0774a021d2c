import { expect, test } from "vitest";
import { calibrateThreshold } from "./calibration.ts";

const unjudged = (best: number[]) => ({ best, right: [], wrong: [] });

test("without judgements the candidate keeps the share of queries that get results, at a threshold of its own scale", () => {
  const baseline = { scores: unjudged([0.9, 0.8, 0.7, 0.5]), threshold: 0.65 };
  // The candidate has the same order with every score 0.3 lower: three of four have results at 0.21 to 0.4.
  const candidate = { scores: unjudged([0.6, 0.5, 0.4, 0.2]), threshold: 0.65 };
  const { rule, baseline: now, candidate: before, proposed } = calibrateThreshold(baseline, candidate);
  expect(rule).toBe("same share");
  expect(now).toEqual({ threshold: 0.65, shown: 0.75, answered: null, misled: null });
  expect(before.shown).toBe(0);
  expect(proposed).toEqual({ threshold: 0.4, shown: 0.75, answered: null, misled: null });
});

test("with judgements the candidate misleads no more often than the baseline, and answers as many as it can", () => {
  const baseline = { scores: { best: [0.7, 0.6, 0.5, 0.3], right: [0.7, -1], wrong: [0.5, 0.3] }, threshold: 0.4 };
  const scores = { best: [0.9, 0.8, 0.7, 0.6], right: [0.9, 0.65], wrong: [0.7, 0.6] };
  const { rule, baseline: now, proposed } = calibrateThreshold(baseline, { scores, threshold: 0.4 });
  expect(rule).toBe("no more misled");
  expect(now).toMatchObject({ answered: 0.5, misled: 0.5 });
  // From 0.61 on one query is misled; up to 0.65 both are answered.
  expect(proposed).toEqual({ threshold: 0.65, shown: 0.75, answered: 1, misled: 0.5 });
});

test("a candidate that finds no right answer, or always misleads more often, keeps the share with results", () => {
  const baseline = { scores: { best: [0.7, 0.3], right: [0.7], wrong: [0.3] }, threshold: 0.4 };
  const blind = { scores: { best: [0.9, 0.8], right: [-1], wrong: [0.8] }, threshold: 0.4 };
  expect(calibrateThreshold(baseline, blind)).toMatchObject({ rule: "same share", proposed: { threshold: 0.9 } });
  const certain = { scores: { best: [1, 0.8], right: [0.8], wrong: [1] }, threshold: 0.4 };
  expect(calibrateThreshold(baseline, certain)).toMatchObject({ rule: "same share", proposed: { threshold: 1 } });
});

test("judgements without unanswerable queries keep the share with results", () => {
  const scores = { best: [0.8, 0.5], right: [0.8, 0.5], wrong: [] };
  const { rule, proposed } = calibrateThreshold({ scores, threshold: 0.6 }, { scores, threshold: 0.9 });
  expect([rule, proposed.threshold]).toEqual(["same share", 0.8]);
  expect(proposed).toMatchObject({ answered: 0.5, misled: null });
});
