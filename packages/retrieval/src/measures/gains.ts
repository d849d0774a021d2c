import { holds, type Judgement, type RankedChunk, relevant } from "./judgement.ts";

/**
 * What a reader gains from a ranking, entry by entry from the top: a list of grades, 0 for an entry that adds nothing
 * new. The measures are computed from this list and not from the ranking, so that large and small chunks are measured
 * alike:
 *
 * - A judgement counts once, at the first chunk that contains it. An overlapping chunk that repeats it gains nothing.
 * - A chunk that contains several new judgements becomes as many entries, the greatest grade first, as if the text had
 *   come in smaller chunks one after the other. So nothing is gained twice, every chunking can reach the ideal ranking,
 *   and none exceeds it. With a single entry of the greatest grade, a large chunk that contains both of two answers
 *   would lose to two small ones; with the sum of the grades it would exceed the ideal.
 */
export function readGains(ranking: readonly RankedChunk[], judgements: readonly Judgement[]): number[] {
  const unmet = new Set(relevant(judgements));
  return ranking.flatMap((chunk) => {
    const met = [...unmet].filter((judgement) => holds(chunk, judgement));
    for (const judgement of met) unmet.delete(judgement);
    return met.length === 0 ? [0] : met.map(({ grade }) => grade).sort((a, b) => b - a);
  });
}

/**
 * The first chunk of each document, for judgements of whole documents: the score of a document is that of its best chunk
 * (MaxP; Dai and Callan, SIGIR 2019). Without this, further chunks of a document would count as further documents.
 */
export function firstOfEachDocument<T extends RankedChunk>(ranking: readonly T[]): T[] {
  const seen = new Set<string>();
  return ranking.filter(({ document }) => !seen.has(document) && seen.add(document));
}

/** The beginning of a ranking, up to this many characters; the chunk that crosses the limit is cut there. */
export function firstCharacters(ranking: readonly RankedChunk[], characters: number): RankedChunk[] {
  const kept: RankedChunk[] = [];
  let left = characters;
  for (const { document, start, end } of ranking) {
    if (left <= 0) break;
    kept.push({ document, start, end: Math.min(end, start + left) });
    left -= end - start;
  }
  return kept;
}
