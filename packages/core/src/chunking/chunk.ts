import type { Chunking } from "../profiles/profile.ts";
import { context, graphemeEnd, graphemeStart, preferredCut } from "./boundaries.ts";

/** A slice `[start, end)` of a document, in Unicode code points, at a position. */
export interface ChunkSlice {
  position: number;
  start: number;
  end: number;
  content: string;
}

/**
 * Cuts a body into chunks of at most `size` characters. Each chunk repeats at least the last `overlap` characters of the
 * previous one. A chunk ends at the end of a paragraph, a sentence or a word if there is one in its last fifth, and never
 * inside a grapheme. Nothing is dropped, not even whitespace.
 *
 * A grapheme longer than `size` is a chunk by itself. If the overlap leaves no room for the next grapheme, the next chunk
 * starts without overlap. No chunk is blank if all whitespace is shorter than half a chunk and graphemes are short.
 * @throws RangeError when `size` is below 1 or `overlap` is not in `[0, size)`.
 */
export function chunkText(body: string, { size, overlap }: Chunking): ChunkSlice[] {
  if (!(size >= 1 && overlap >= 0 && overlap < size)) {
    throw new RangeError(`Chunks of ${size} characters cannot overlap by ${overlap}`);
  }
  const chunks: ChunkSlice[] = [];
  // Indexes are UTF-16 code units. Only `startInPoints` and the offsets of a chunk count code points.
  let start = 0;
  let startInPoints = 0;
  let covered = 0;
  while (covered < body.length) {
    const end = chunkEnd(body, start, covered, size);
    let next = covered;
    if (end > covered) {
      const content = body.slice(start, end);
      const position = chunks.length;
      chunks.push({ position, start: startInPoints, end: startInPoints + countPoints(content), content });
      covered = end;
      next = overlapStart(body, start, end, { size, overlap });
    }
    startInPoints += countPoints(body.slice(start, next));
    start = next;
  }
  return chunks;
}

/**
 * Assembles a body from its chunks: each chunk without its overlap with the previous one.
 * @throws RangeError when a part of the body is in no chunk.
 */
export function joinChunks(chunks: readonly ChunkSlice[]): string {
  let covered = 0;
  const parts = chunks.map(({ position, start, end, content }) => {
    if (start > covered) throw new RangeError(`Characters ${covered} to ${start} are missing before chunk ${position}`);
    const part = content.slice(advance(content, 0, covered - start));
    covered = Math.max(covered, end);
    return part;
  });
  return parts.join("");
}

/** Not beyond `covered` if the chunk has no room for more than the characters that are covered already. */
function chunkEnd(body: string, start: number, covered: number, size: number): number {
  const most = advance(body, start, size);
  if (most === body.length) return most;
  const least = Math.max(advance(body, start, size - Math.floor(size / 5)), covered + 1);
  const text = body.slice(start, most + context);
  const length = preferredCut(text, least - start, most - start) ?? graphemeStart(text, most - start);
  return length > 0 ? start + length : graphemeEnd(body, start);
}

function overlapStart(body: string, start: number, end: number, { size, overlap }: Chunking): number {
  const text = body.slice(start, end + context);
  const before = (index: number, points: number) => start + graphemeStart(text, retreat(text, index, points));
  const next = before(end - start, overlap);
  if (body.slice(next, advance(body, next, size)).trim() !== "") return next;
  // Otherwise the next chunk would be blank: it repeats the end of this chunk's text, not only its trailing whitespace.
  const written = body.slice(start, end).trimEnd().length;
  const reached = before(written, Math.max(overlap, 1));
  return reached > start && chunkEnd(body, reached, end, size) > end ? reached : next;
}

/** The index `points` code points after `index`, or the end of the text. */
function advance(text: string, index: number, points: number): number {
  let at = index;
  for (let left = points; left > 0 && at < text.length; left--) at += isPair(text, at) ? 2 : 1;
  return at;
}

/** The index `points` code points before `index`, or the start of the text. */
function retreat(text: string, index: number, points: number): number {
  let at = index;
  for (let left = points; left > 0 && at > 0; left--) at -= isPair(text, at - 2) ? 2 : 1;
  return at;
}

/** The number of Unicode code points of a text. */
export function countPoints(text: string): number {
  let points = 0;
  for (let at = 0; at < text.length; at += isPair(text, at) ? 2 : 1) points++;
  return points;
}

function isPair(text: string, index: number): boolean {
  return (text.charCodeAt(index) & 0xfc00) === 0xd800 && (text.charCodeAt(index + 1) & 0xfc00) === 0xdc00;
}
