import { holds, type Judgement, type RankedChunk, relevant } from "./judgement.ts";

/**
 * What somebody gains who reads a ranking from its top: a list of grades, 0 for what brings nothing new. The measures
 * are taken of this list and not of the ranking, so that corpora in larger and in smaller chunks are judged alike:
 *
 * - A judgement counts once, with the first chunk that holds it. A chunk that overlaps with that one, and repeats it,
 *   gains nothing.
 * - A chunk that holds several judgements not met before is as many entries, the greatest grade first: as if the same
 *   text had come in smaller chunks, one after the other. So nothing is gained twice, an ideal ranking can be had in
 *   any chunking, and none is better than ideal. With one entry of the greatest grade instead, a large chunk that
 *   holds both of two answers would lose against two small ones; with the sum it would surpass the ideal.
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
 * The first chunk of each document, for judgements of whole documents: a document's score is that of its best chunk
 * (MaxP; Dai and Callan, SIGIR 2019). Without it the further chunks of a document would count as further documents.
 */
export function firstOfEachDocument<T extends RankedChunk>(ranking: readonly T[]): T[] {
  const seen = new Set<string>();
  return ranking.filter(({ document }) => !seen.has(document) && seen.add(document));
}

/** The beginning of a ranking up to so many characters; the chunk that crosses this limit is cut off there. */
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
