import { bootstrapMean, holds, type Interval } from "@reembed/core";
import type { ScoredChunk } from "./costs.ts";
import { answersOf, type JudgedQuery } from "./judged-queries.ts";

/** What a threshold lets through, as shares of queries. */
export interface ThresholdEffect<Share = number> {
  threshold: number;
  /** Of the answerable ones: a right answer is among the results. */
  answered: Share;
  /** Of the unanswerable ones: there are results, all of them wrong. */
  misled: Share;
}

/** The scores that decide whether a query is answered or misled; -1 where nothing is found at all. */
export interface DecidingScores {
  /** The best score of a right answer to each answerable query. */
  right: number[];
  /** The best score of all for each unanswerable one. */
  wrong: number[];
}

export function decidingScores(
  queries: readonly JudgedQuery[],
  rankings: readonly (readonly ScoredChunk[])[],
): DecidingScores {
  const scores: DecidingScores = { right: [], wrong: [] };
  for (const [index, query] of queries.entries()) {
    const ranking = rankings[index] ?? [];
    if (query.judgements.length === 0) {
      scores.wrong.push(ranking[0]?.score ?? -1);
    } else {
      const answers = answersOf(query);
      scores.right.push(ranking.find((chunk) => answers.some((answer) => holds(chunk, answer)))?.score ?? -1);
    }
  }
  return scores;
}

export function thresholdEffect({ right, wrong }: DecidingScores, threshold: number): ThresholdEffect<Interval> {
  const share = (scores: readonly number[]) => bootstrapMean(scores.map((score) => Number(score >= threshold)));
  return { threshold, answered: share(right), misled: share(wrong) };
}

/** The effect of every threshold from 0 to 1. */
export function thresholdCurve({ right, wrong }: DecidingScores): ThresholdEffect[] {
  const share = (scores: readonly number[], threshold: number) =>
    scores.filter((score) => score >= threshold).length / scores.length;
  return Array.from({ length: 101 }, (_, percent) => {
    const threshold = percent / 100;
    return { threshold, answered: share(right, threshold), misled: share(wrong, threshold) };
  });
}
