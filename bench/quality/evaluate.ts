import { chunkingName, type Profile } from "@reembed/core";
import {
  type Interval,
  type MeasuredQueries,
  measureRanking,
  ofAnswerable,
  type RankedChunk,
  type RankingMeasures,
  summarizeMeasures,
} from "@reembed/retrieval/measures";
import { Bm25Index, type IndexedChunk } from "./bm25.ts";
import type { SpanQuery } from "./judged-queries.ts";

/** The mean of each measure over all answerable queries, with its interval. */
export type Quality = Record<keyof RankingMeasures, Interval>;

/** The measures of each answerable query, in order. */
export type QueryMeasures = MeasuredQueries<keyof RankingMeasures>;

export function measureQueries(
  queries: readonly SpanQuery[],
  rankings: readonly (readonly RankedChunk[])[],
): QueryMeasures {
  return ofAnswerable(queries, ({ judgements }, index) => measureRanking(rankings[index] ?? [], judgements));
}

/** Measures BM25 over the chunking of the two profiles that suits it better. */
export function measureBm25(
  queries: readonly SpanQuery[],
  corpora: readonly { profile: Profile; chunks: readonly IndexedChunk[] }[],
): { chunking: string; measures: QueryMeasures; quality: Quality } {
  const measured = corpora.map(({ profile, chunks }) => {
    const index = new Bm25Index(chunks);
    const rankings = queries.map(({ text, language }) => index.search(text, language, profile.limit));
    const measures = measureQueries(queries, rankings);
    return { chunking: chunkingName(profile.chunking), measures, quality: summarizeMeasures(measures) };
  });
  const [best] = measured.toSorted((a, b) => b.quality.ndcg10.mean - a.quality.ndcg10.mean);
  if (best === undefined) throw new TypeError("BM25 needs chunks to search");
  return best;
}
