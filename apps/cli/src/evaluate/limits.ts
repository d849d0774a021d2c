import type { EvaluationReport } from "./report.ts";

/** What the figures of a report do not say by themselves. */
export function describeLimits({ baseline, candidate, queries, quality, proxies, search }: EvaluationReport): string[] {
  const notes: string[] = [];
  for (const { profile, limit } of [baseline, candidate]) {
    if (quality !== null && quality.k > limit) {
      notes.push(`${profile} answers with ${limit} results at most, fewer than the ${quality.k} that are measured.`);
    }
  }
  if (queries.unanswerable > 0) {
    notes.push(
      `${queries.unanswerable} queries without an answer in the judgements count as unanswerable: --judged-only leaves out those that were not judged at all.`,
    );
  }
  if (search === "index") {
    notes.push(
      "Searched through the ANN indexes, where there are any: what an index misses counts against its profile.",
    );
  }
  if (proxies !== null) {
    notes.push(
      "A proxy query is a sentence that must find the rest of its chunk: this ranks models and favours shared words. Judged queries say more.",
    );
    if (baseline.chunks !== candidate.chunks) {
      notes.push(
        `It is looked for among ${baseline.chunks} chunks of ${baseline.profile} and ${candidate.chunks} of ${candidate.profile}: of the two, the fewer are the easier.`,
      );
    }
  }
  return notes;
}
