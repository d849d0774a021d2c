/** A part `[start, end)` of a document, in Unicode code points. */
export interface Span {
  start: number;
  end: number;
}

/** A document, or a part of one, that was judged for a query. */
export interface Judgement {
  document: string;
  /** How much it helps, the more the greater; 0 was looked at and does not. */
  grade: number;
  /** What was judged; without it the document as a whole. */
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

/** Whether a chunk is of the judged document and, where a part of it was judged, holds at least half of that part. */
export function holds(chunk: RankedChunk, { document, span }: Judgement): boolean {
  if (chunk.document !== document) return false;
  if (span === undefined) return true;
  const shared = Math.min(chunk.end, span.end) - Math.max(chunk.start, span.start);
  return shared > 0 && 2 * shared >= span.end - span.start;
}

/** What was judged to help. */
export function relevant<T extends Judgement>(judgements: readonly T[]): T[] {
  return judgements.filter(({ grade }) => grade > 0);
}
