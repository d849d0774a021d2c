import type { Calibration, CutoffMeasures, Interval } from "@reembed/core";
import type { EvaluationVerdict } from "@reembed/store";
import type { Causes } from "./causes.ts";
import type { SearchKind } from "./contender.ts";
import type { ProxyQuality } from "./proxies.ts";

/** Where the queries come from; `none` where there are only proxies. */
export type QuerySource = "judged" | "given" | "logged" | "none";

/** The one line of `reembed evaluate --json`, and what is kept of it in the database. */
export interface EvaluationReport {
  baseline: EvaluatedProfile;
  candidate: EvaluatedProfile;
  /** From the interval of nDCG's difference. */
  verdict: EvaluationVerdict;
  queries: { source: QuerySource; count: number; answerable: number; unanswerable: number };
  search: SearchKind;
  /** Null without judgements, as what follows from them. */
  quality: JudgedQuality | null;
  causes: Causes | null;
  proxies: ProxyQuality | null;
  agreement: AgreementSummary | null;
  thresholds: Calibration | null;
  /** What a reader of the figures must know besides. */
  notes: string[];
}

export interface EvaluatedProfile {
  profile: string;
  model: string;
  chunking: string;
  /** With a current vector. */
  chunks: number;
  limit: number;
  threshold: number;
}

/** Means over the answerable queries with 95 % intervals; the cut-off of all but `recall15k` is `k`. */
export interface JudgedQuality {
  k: number;
  baseline: Record<keyof CutoffMeasures, Interval>;
  candidate: Record<keyof CutoffMeasures, Interval>;
  /** Candidate less baseline, paired by query. */
  difference: Record<keyof CutoffMeasures, Interval>;
  slices: LanguageSlice[];
}

/** nDCG of the queries in one language. */
export interface LanguageSlice {
  /** Null of queries that tell none. */
  language: string | null;
  queries: number;
  baseline: Interval;
  candidate: Interval;
  difference: Interval;
}

/** How far both answer alike, by documents. */
export interface AgreementSummary {
  queries: number;
  overlap10: Interval;
  /** Of the documents in common; null where no two answers have two of them. */
  rankCorrelation: Interval | null;
}
