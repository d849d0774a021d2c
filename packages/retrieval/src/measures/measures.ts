import { firstCharacters, readGains } from "./gains.ts";
import { type Judgement, type RankedChunk, relevant } from "./judgement.ts";

/**
 * Normalized discounted cumulative gain of the first `k` entries: Järvelin and Kekäläinen, "Cumulated gain-based
 * evaluation of IR techniques", ACM TOIS 20(4), 2002. The gain is the grade itself, divided by log2(r + 1) at rank r, as
 * in trec_eval. The ideal ranking has the judged grades from the greatest down.
 * @param gains The gains of a ranking, from `readGains`.
 * @param grades All grades above 0 that were given for the query.
 */
export function normalizedDcg(gains: readonly number[], grades: readonly number[], k: number): number {
  requireGrades(grades);
  const ideal = grades.toSorted((a, b) => b - a);
  return discountedGain(gains, k) / discountedGain(ideal, k);
}

function discountedGain(gains: readonly number[], k: number): number {
  return gains.slice(0, k).reduce((sum, gain, index) => sum + gain / Math.log2(index + 2), 0);
}

/** Share of the helpful judgements that are among the first `k` entries. */
export function recall(gains: readonly number[], grades: readonly number[], k: number): number {
  requireGrades(grades);
  return countGains(gains, k) / grades.length;
}

/** Share of the first `k` entries that gain something; missing entries gain nothing, as in trec_eval. */
export function precision(gains: readonly number[], k: number): number {
  return countGains(gains, k) / k;
}

/** 1 / rank of the first entry that gains something; 0 if none of the first `k` does (Voorhees, TREC-8, 1999). */
export function reciprocalRank(gains: readonly number[], k: number): number {
  const index = gains.slice(0, k).findIndex((gain) => gain > 0);
  return index === -1 ? 0 : 1 / (index + 1);
}

function countGains(gains: readonly number[], k: number): number {
  return gains.slice(0, k).filter((gain) => gain > 0).length;
}

function requireGrades(grades: readonly number[]): void {
  if (grades.length === 0) throw new RangeError("A query without a relevant judgement has no ideal ranking");
}

/** Measures of one query; reports show their means over queries. */
export interface RankingMeasures {
  ndcg10: number;
  recall10: number;
  /** Its mean over queries is the MRR. */
  mrr10: number;
  precision5: number;
  /** Recall within the first 15,000 characters: what a language model is given to read, whatever the size of the chunks. */
  recall15k: number;
}

export const measureNames = ["ndcg10", "recall10", "mrr10", "precision5", "recall15k"] as const;

/** @throws RangeError when no judgement has a grade above 0: such a query must be left out of a mean. */
export function measureRanking(ranking: readonly RankedChunk[], judgements: readonly Judgement[]): RankingMeasures {
  const { ndcg, recall, mrr, recall15k } = measureRankingAt(ranking, judgements, 10);
  const precision5 = precision(readGains(ranking, judgements), 5);
  return { ndcg10: ndcg, recall10: recall, mrr10: mrr, precision5, recall15k };
}

/** The measures of one query, all with the same cut-off. */
export type CutoffMeasures = Record<"ndcg" | "recall" | "mrr" | "precision" | "recall15k", number>;

/** @throws RangeError as `measureRanking` does. */
export function measureRankingAt(
  ranking: readonly RankedChunk[],
  judgements: readonly Judgement[],
  k: number,
): CutoffMeasures {
  const gains = readGains(ranking, judgements);
  const grades = relevant(judgements).map(({ grade }) => grade);
  const inBudget = readGains(firstCharacters(ranking, 15_000), judgements);
  return {
    ndcg: normalizedDcg(gains, grades, k),
    recall: recall(gains, grades, k),
    mrr: reciprocalRank(gains, k),
    precision: precision(gains, k),
    recall15k: recall(inBudget, grades, inBudget.length),
  };
}
