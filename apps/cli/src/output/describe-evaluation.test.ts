import type { EvaluationReport } from "@reembed/migration/evaluate";
import { expect, test } from "vitest";
import { formatEvaluation } from "./describe-evaluation.ts";

const of = (mean: number) => ({ mean, low: mean - 0.1, high: mean + 0.1 });
const measures = (mean: number) => ({
  ...{ ndcg: of(mean), recall: of(mean), mrr: of(mean), precision: of(mean), recall15k: of(mean) },
});
const cell = (profile: string, mean: number) => ({ profile, builtIn: "memory" as const, ndcg: of(mean) });
const report: EvaluationReport = {
  version: "0.1.0",
  baseline: { profile: "old", model: "a", chunking: "1500-150", chunks: 40, limit: 25, threshold: 0.4 },
  candidate: { profile: "new", model: "b", chunking: "6000-300", chunks: 10, limit: 15, threshold: 0.5 },
  verdict: "better",
  queries: { source: "judged", count: 3, answerable: 2, unanswerable: 1 },
  search: "exact",
  quality: { k: 5, baseline: measures(0.4), candidate: measures(0.7), difference: measures(0.3), slices: [] },
  causes: {
    kind: "measured",
    cells: {
      ...{ baseline: cell("old", 0.4), candidate: cell("new", 0.7) },
      ...{ baselineModel: cell("a on 6000-300", 0.5), candidateModel: cell("b on 1500-150", 0.6) },
    },
    effects: { model: of(0.2), chunking: of(0.1), interaction: of(0) },
  },
  ...{
    proxies: null,
    agreement: null,
    thresholds: null,
    notes: ["A note."],
    examples: { better: [], worse: [], changed: [] },
  },
};

test("a report tells the verdict, what was measured, each cause's part of the difference, and its notes", () => {
  const text = formatEvaluation(report);
  expect(text).toMatch(/^new finds answers better than old: nDCG@5 \+0\.300 \[0\.200, 0\.400\]\n/);
  expect(text).toMatch(/2 answerable and 1 unanswerable queries, exact search/);
  expect(text).toMatch(/from the model +\+0\.200/);
  expect(text).toMatch(/from the chunking +\+0\.100/);
  expect(text).toMatch(/\n- A note\.$/);
});

test("without judgements there is no verdict and no quality", () => {
  const text = formatEvaluation({ ...report, verdict: "unjudged", quality: null, causes: null });
  expect(text).toMatch(/^new was compared, without judgements, with old\n/);
  expect(text).not.toContain("nDCG");
});
