import type { Interval, ThresholdEffect } from "@reembed/retrieval/measures";
import type { EmbeddingCost, Percentiles } from "./costs.ts";
import type { Quality } from "./evaluate.ts";
import type { Slice } from "./slices.ts";

/** A profile with its measures. */
export interface ProfileQuality extends Quality {
  profile: string;
  model: string;
  revision: string;
  chunking: string;
  chunks: number;
  limit: number;
  threshold: number;
  embedding: EmbeddingCost;
  searchMs: Percentiles;
  queryEmbeddingMs: Percentiles;
}

/** An expectation of the migration plan, and the measured result. */
export interface Expectation {
  what: string;
  unit: "" | "s" | "MiB" | "ms";
  /** In the words of the plan. */
  hoped: string;
  baseline: number | undefined;
  candidate: number | undefined;
  /** candidate / baseline - 1; with an interval if it is a mean over queries. */
  change: number | undefined;
  low?: number | undefined;
  high?: number | undefined;
  verdict: string;
}

/** The last line of `npm run quality -- --json`. */
export interface QualityReport {
  benchmark: "quality";
  documents: number;
  /** Numbers of queries, their judged parts, and the precision@5 of an ideal ranking. */
  queries: { answerable: number; unanswerable: number; judgements: number; idealPrecision5: number };
  baseline: ProfileQuality;
  candidate: ProfileQuality;
  bm25: Quality & { chunking: string };
  /** Candidate minus baseline, and minus BM25. */
  difference: Quality;
  differenceToBm25: Quality;
  slices: Slice[];
  thresholds: { baseline: ThresholdEffect<Interval>; candidate: ThresholdEffect<Interval> };
  expectations: Expectation[];
  machine: string;
}
