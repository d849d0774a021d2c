import { agreementOf, bootstrapMean, type ScoredChunk } from "@reembed/retrieval/measures";
import type { AgreementSummary } from "./report.ts";

type Rankings = readonly (readonly ScoredChunk[])[];

/** Agreement of the two answers to each query; null without queries. */
export function summarizeAgreement(before: Rankings, after: Rankings): AgreementSummary | null {
  if (before.length === 0) return null;
  const agreements = overlapOf(before, after);
  const correlations = agreements.flatMap(({ rankCorrelation }) => rankCorrelation ?? []);
  return {
    queries: agreements.length,
    overlap10: bootstrapMean(agreements.map(({ overlap }) => overlap)),
    rankCorrelation: correlations.length === 0 ? null : bootstrapMean(correlations),
  };
}

/** Indexes of the queries whose answers have the fewest documents in common; if equal, the earlier one first. */
export function mostDifferent(before: Rankings, after: Rankings, most: number): number[] {
  const agreements = overlapOf(before, after);
  const overlap = (query: number) => agreements[query]?.overlap ?? 1;
  return [...agreements.keys()].sort((a, b) => overlap(a) - overlap(b) || a - b).slice(0, most);
}

function overlapOf(before: Rankings, after: Rankings) {
  const documents = (ranking: readonly ScoredChunk[] = []) => ranking.map(({ document }) => document);
  return before.map((ranking, query) => agreementOf(documents(ranking), documents(after[query])));
}
