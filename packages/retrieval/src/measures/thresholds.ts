import { bootstrapMean, type Interval } from "./bootstrap.ts";
import { answersOf, type JudgedQuery } from "./judged-query.ts";
import { holds, type ScoredChunk } from "./judgement.ts";

/** What happens to queries at a threshold, as shares. */
export interface ThresholdEffect<Share = number> {
  threshold: number;
  /** Of the answerable queries: those with a right answer among the results. */
  answered: Share;
  /** Of the unanswerable queries: those with results, which are all wrong. */
  misled: Share;
}

/** The scores that decide whether a query is answered or misled; -1 if nothing is found. */
export interface DecidingScores {
  /** For each answerable query, the best score of a right answer. */
  right: number[];
  /** For each unanswerable query, the best score of all results. */
  wrong: number[];
}

/** From 0 to 1 in hundredths. */
export const thresholdSteps: readonly number[] = Array.from({ length: 101 }, (_, percent) => percent / 100);

export function decidingScores(
  queries: readonly JudgedQuery[],
  rankings: readonly (readonly ScoredChunk[])[],
): DecidingScores {
  const scores: DecidingScores = { right: [], wrong: [] };
  for (const [index, query] of queries.entries()) {
    const ranking = rankings[index] ?? [];
    if (query.judgements.length === 0) {
      scores.wrong.push(bestScore(ranking));
    } else {
      const answers = answersOf(query);
      scores.right.push(bestScore(ranking.filter((chunk) => answers.some((answer) => holds(chunk, answer)))));
    }
  }
  return scores;
}

/** The score of the first result, which is the best; -1 without results. */
export function bestScore([best]: readonly ScoredChunk[]): number {
  return best?.score ?? -1;
}

export function thresholdEffect({ right, wrong }: DecidingScores, threshold: number): ThresholdEffect<Interval> {
  const share = (scores: readonly number[]) => bootstrapMean(scores.map((score) => Number(score >= threshold)));
  return { threshold, answered: share(right), misled: share(wrong) };
}

/** The effect of every threshold from 0 to 1; NaN if there is no query of the kind. */
export function thresholdCurve({ right, wrong }: DecidingScores): ThresholdEffect[] {
  return thresholdSteps.map((threshold) => ({
    threshold,
    answered: shareFrom(right, threshold),
    misled: shareFrom(wrong, threshold),
  }));
}

/** Share of the scores that are at or above the threshold; NaN without scores. */
export function shareFrom(scores: readonly number[], threshold: number): number {
  return scores.filter((score) => score >= threshold).length / scores.length;
}
