/** A part `[start, end)` of a document, in Unicode code points. */
export interface Span {
  start: number;
  end: number;
}
