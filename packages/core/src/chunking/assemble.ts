import { countPoints } from "./chunk.ts";
import type { Span } from "./span.ts";

/** A text that was assembled from its chunks. */
export interface AssembledText {
  body: string;
  /** Where each chunk is in the body. */
  places: Span[];
  /** Indexes of chunks that should repeat the end of the previous chunk but do not; a line feed is inserted before them. */
  misfits: number[];
}

/** Shorter repetitions happen by chance, for example " the ". */
const leastTelling = 16;

/**
 * Assembles a text from its overlapping chunks, in their order. Each chunk adds what is left of it without the overlap:
 * a length at which the end of the previous chunk equals the beginning of this one. If several lengths fit, as in rows
 * of dashes, the one nearest to the text's usual overlap is taken. Trimmed chunks still overlap.
 *
 * Chunks that never overlap are joined directly, or by a line feed where no whitespace separates them.
 * @param overlap The declared overlap in characters. If most chunks do not have it, the usual overlap is measured.
 */
export function assembleText(contents: readonly string[], overlap: number): AssembledText {
  const repetitions = contents.slice(1).map((content, index) => repeatedLengths(contents[index] ?? "", content));
  const usual = usualLength(repetitions, overlap);
  const expected = overlap > 0 || usual > 0;
  const parts: string[] = [];
  const text: AssembledText = { body: "", places: [], misfits: [] };
  let end = 0;
  for (const [index, content] of contents.entries()) {
    const repeated = index === 0 ? 0 : likelyLength(repetitions[index - 1] ?? [], usual);
    if (index > 0 && repeated === 0 && (expected || !meetInWhitespace(contents[index - 1] ?? "", content))) {
      parts.push("\n");
      end += 1;
      if (expected) text.misfits.push(index);
    }
    const start = end - countPoints(content.slice(0, repeated));
    end = start + countPoints(content);
    parts.push(content.slice(repeated));
    text.places.push({ start, end });
  }
  return { ...text, body: parts.join("") };
}

/**
 * Every length, in code units, at which the end of `before` equals the beginning of `after`; the longest first. Uses
 * the failure function of Knuth, Morris and Pratt, so each text is read once.
 */
function repeatedLengths(before: string, after: string): number[] {
  const failure = new Int32Array(after.length + 1);
  failure[0] = -1;
  for (let index = 0, length = -1; index < after.length; index++) {
    while (length >= 0 && after[length] !== after[index]) length = failure[length] ?? -1;
    length++;
    failure[index + 1] = length;
  }
  let length = 0;
  const tail = before.slice(-after.length);
  for (let index = 0; index < tail.length; index++) {
    if (length === after.length) length = failure[length] ?? 0;
    while (length >= 0 && after[length] !== tail[index]) length = failure[length] ?? -1;
    length++;
  }
  const lengths: number[] = [];
  for (; length > 0; length = failure[length] ?? 0) lengths.push(length);
  return lengths;
}

/** The declared overlap if at least half of the chunks have one near it; otherwise the median of their overlaps. */
function usualLength(repetitions: readonly number[][], overlap: number): number {
  const telling = repetitions.map(([longest = 0]) => longest).filter((longest) => longest >= leastTelling);
  const asTold =
    overlap === 0
      ? repetitions.length - telling.length
      : repetitions.filter((lengths) => lengths.some((length) => isNear(length, overlap))).length;
  if (2 * asTold >= repetitions.length) return overlap;
  return telling.sort((a, b) => a - b)[telling.length >> 1] ?? 0;
}

/** 0 if no length is likely. */
function likelyLength(lengths: readonly number[], usual: number): number {
  if (usual === 0) return 0;
  const nearest = lengths.toSorted((a, b) => Math.abs(a - usual) - Math.abs(b - usual))[0] ?? 0;
  if (isNear(nearest, usual)) return nearest;
  const [longest = 0] = lengths;
  return longest >= leastTelling ? longest : 0;
}

function isNear(length: number, usual: number): boolean {
  return Math.abs(length - usual) * 2 <= usual;
}

function meetInWhitespace(before: string, after: string): boolean {
  return /\s$/.test(before) || /^\s/.test(after);
}
