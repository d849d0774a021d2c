import {
  bootstrapDifference,
  bootstrapMean,
  chunkingName,
  type Interval,
  measureNames,
  measureRanking,
  type Profile,
  type RankedChunk,
  type RankingMeasures,
} from "@reembed/core";
import { Bm25Index, type IndexedChunk } from "./bm25.ts";
import type { JudgedQuery } from "./judged-queries.ts";

/** The measures over all answerable queries, each a mean with its interval. */
export type Quality = Record<keyof RankingMeasures, Interval>;

/** Of each answerable query, in their order. */
export type QueryMeasures = readonly RankingMeasures[];

export function measureQueries(
  queries: readonly JudgedQuery[],
  rankings: readonly (readonly RankedChunk[])[],
): QueryMeasures {
  return queries.flatMap(({ judgements }, index) =>
    judgements.length === 0 ? [] : [measureRanking(rankings[index] ?? [], judgements)],
  );
}

export function summarize(measures: QueryMeasures): Quality {
  return eachMeasure((name) => bootstrapMean(column(measures, name)));
}

/** Of `candidate` less `baseline`, paired by query. */
export function compare(baseline: QueryMeasures, candidate: QueryMeasures): Quality {
  return eachMeasure((name) => bootstrapDifference(column(baseline, name), column(candidate, name)));
}

export function column(measures: QueryMeasures, name: keyof RankingMeasures): number[] {
  return measures.map((of) => of[name]);
}

/** BM25 over the chunking of the two profiles with which it does better. */
export function measureBm25(
  queries: readonly JudgedQuery[],
  corpora: readonly { profile: Profile; chunks: readonly IndexedChunk[] }[],
): { chunking: string; measures: QueryMeasures; quality: Quality } {
  const measured = corpora.map(({ profile, chunks }) => {
    const index = new Bm25Index(chunks);
    const rankings = queries.map(({ text, language }) => index.search(text, language, profile.limit));
    const measures = measureQueries(queries, rankings);
    return { chunking: chunkingName(profile.chunking), measures, quality: summarize(measures) };
  });
  const [best] = measured.toSorted((a, b) => b.quality.ndcg10.mean - a.quality.ndcg10.mean);
  if (best === undefined) throw new TypeError("BM25 needs chunks to search");
  return best;
}

function eachMeasure(of: (name: keyof RankingMeasures) => Interval): Quality {
  return Object.fromEntries(measureNames.map((name) => [name, of(name)])) as Quality;
}
