import type { Span } from "@reembed/core";

/** A document, or a part of one, that was judged for a query. */
export interface Judgement {
  document: string;
  /** How much it helps: greater is better, and 0 means that it was judged and does not help. */
  grade: number;
  /** The judged part; without it, the whole document was judged. */
  span?: Span | undefined;
}

/** A chunk among the results of a search. */
export interface RankedChunk extends Span {
  document: string;
}

/** A result with its similarity to the query. */
export interface ScoredChunk extends RankedChunk {
  score: number;
}

/** Whether a chunk is part of the judged document and contains at least half of the judged part, if there is one. */
export function holds(chunk: RankedChunk, { document, span }: Judgement): boolean {
  if (chunk.document !== document) return false;
  if (span === undefined) return true;
  const shared = Math.min(chunk.end, span.end) - Math.max(chunk.start, span.start);
  return shared > 0 && 2 * shared >= span.end - span.start;
}

/** The judgements of what helps. */
export function relevant<T extends Judgement>(judgements: readonly T[]): T[] {
  return judgements.filter(({ grade }) => grade > 0);
}
