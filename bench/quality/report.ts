import type { Interval, ThresholdEffect } from "@reembed/core";
import type { EmbeddingCost, Percentiles } from "./costs.ts";
import type { Quality } from "./evaluate.ts";
import type { Slice } from "./slices.ts";

/** A profile and how well it finds answers. */
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

/** What the migration plan expected of the new model, and what came of it. */
export interface Expectation {
  what: string;
  unit: "" | "s" | "MiB" | "ms";
  /** As the plan says it. */
  hoped: string;
  baseline: number | undefined;
  candidate: number | undefined;
  /** candidate / baseline - 1; an interval where it is of a mean over queries. */
  change: number | undefined;
  low?: number | undefined;
  high?: number | undefined;
  verdict: string;
}

/** The last line of `npm run quality -- --json`. */
export interface QualityReport {
  benchmark: "quality";
  documents: number;
  /** With the judged parts of all answerable ones, and the precision@5 of an ideal ranking. */
  queries: { answerable: number; unanswerable: number; judgements: number; idealPrecision5: number };
  baseline: ProfileQuality;
  candidate: ProfileQuality;
  bm25: Quality & { chunking: string };
  /** Candidate less baseline, and less BM25. */
  difference: Quality;
  differenceToBm25: Quality;
  slices: Slice[];
  thresholds: { baseline: ThresholdEffect<Interval>; candidate: ThresholdEffect<Interval> };
  expectations: Expectation[];
  machine: string;
}
