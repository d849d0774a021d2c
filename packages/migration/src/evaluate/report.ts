import type { SearchKind } from "@reembed/retrieval";
import type { Calibration, CutoffMeasures, Interval } from "@reembed/retrieval/measures";
import type { EvaluationVerdict } from "@reembed/store/schema";
import type { Causes } from "./causes.ts";
import type { ProxyQuality } from "./proxies.ts";

/** The source of the queries; `none` if there are only proxies. */
export type QuerySource = "judged" | "given" | "logged" | "none";

/** The output of `reembed evaluate --json`, which is also stored in the database. */
export interface EvaluationReport {
  /** The version of Reembed that evaluated. */
  version: string;
  baseline: EvaluatedProfile;
  candidate: EvaluatedProfile;
  /** Follows from the interval of nDCG's difference. */
  verdict: EvaluationVerdict;
  queries: { source: QuerySource; count: number; answerable: number; unanswerable: number };
  search: SearchKind;
  /** Null without judgements, like everything that is computed from it. */
  quality: JudgedQuality | null;
  causes: Causes | null;
  proxies: ProxyQuality | null;
  agreement: AgreementSummary | null;
  thresholds: Calibration | null;
  examples: EvaluationExamples;
  /** Limitations that a reader must know. */
  notes: string[];
}

export interface EvaluatedProfile {
  profile: string;
  model: string;
  chunking: string;
  /** Chunks with a current vector. */
  chunks: number;
  limit: number;
  threshold: number;
}

/** Means over the answerable queries with 95 % intervals; all except `recall15k` are cut off at `k`. */
export interface JudgedQuality {
  k: number;
  baseline: Record<keyof CutoffMeasures, Interval>;
  candidate: Record<keyof CutoffMeasures, Interval>;
  /** Candidate minus baseline, paired by query. */
  difference: Record<keyof CutoffMeasures, Interval>;
  slices: LanguageSlice[];
}

/** nDCG of the queries in one language. */
export interface LanguageSlice {
  /** Null for queries without a language. */
  language: string | null;
  queries: number;
  baseline: Interval;
  candidate: Interval;
  difference: Interval;
}

/** How well the two answers agree, by documents. */
export interface AgreementSummary {
  queries: number;
  overlap10: Interval;
  /** Of the documents in common; null if no two answers have at least two of them. */
  rankCorrelation: Interval | null;
}

/** Queries that show the difference, the greatest first. */
export interface EvaluationExamples {
  better: EvaluationExample[];
  worse: EvaluationExample[];
  /** Without judgements: those whose answers have the fewest documents in common. */
  changed: EvaluationExample[];
}

export interface EvaluationExample {
  query: string;
  language: string | null;
  /** Null without judgements. */
  ndcg: { baseline: number; candidate: number } | null;
  /** The first documents of each answer. */
  baseline: { uri: string; title: string }[];
  candidate: { uri: string; title: string }[];
}
