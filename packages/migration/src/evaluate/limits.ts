import type { EvaluationReport } from "./report.ts";

/** Limitations that a reader of a report must know. */
export function describeLimits({ baseline, candidate, queries, quality, proxies, search }: EvaluationReport): string[] {
  const notes: string[] = [];
  for (const { profile, limit } of [baseline, candidate]) {
    if (quality !== null && quality.k > limit) {
      notes.push(`${profile} has at most ${limit} results, fewer than the ${quality.k} that are measured.`);
    }
  }
  if (queries.unanswerable > 0) {
    notes.push(
      `${queries.unanswerable} queries without an answer in the judgements count as unanswerable; --judged-only leaves out those that were not judged at all.`,
    );
  }
  if (search === "index") {
    notes.push(
      "Searches went through the ANN indexes, if there are any: a profile is penalised for what its index misses.",
    );
  }
  if (proxies !== null) {
    notes.push(
      "A proxy query is a sentence that must find the rest of its chunk. This ranks models, but favours shared words; judged queries are better evidence.",
    );
    if (baseline.chunks !== candidate.chunks) {
      notes.push(
        `It is searched for among ${baseline.chunks} chunks of ${baseline.profile} and ${candidate.chunks} of ${candidate.profile}; fewer chunks make it easier.`,
      );
    }
  }
  return notes;
}
