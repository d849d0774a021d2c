import { countPoints } from "./chunk.ts";
import type { Span } from "./span.ts";

/**
 * Finds where chunks that another program has cut lie in their document. The text must occur exactly, or with different
 * whitespace. Each chunk is searched for after the start of the previous one first, then anywhere. The place is undefined
 * if the body does not contain the text, for example because a heading was added in front.
 */
export function placeChunks(body: string, contents: readonly string[]): (Span | undefined)[] {
  const points = pointCounter(body);
  let bare: BareText | undefined;
  let from = 0;
  return contents.map((content) => {
    if (content === "") return undefined;
    let start = indexFrom(body, content, from);
    let end = start + content.length;
    if (start < 0) {
      bare ??= bareText(body);
      const found = findBare(bare, content, from);
      if (found === undefined) return undefined;
      [start, end] = found;
    }
    from = start + 1;
    return { start: points(start), end: points(end) };
  });
}

/** A text without its whitespace, and the index in the original text of each of its code units. */
interface BareText {
  text: string;
  indexes: Int32Array;
}

function bareText(body: string): BareText {
  const indexes = new Int32Array(body.length);
  let length = 0;
  for (const { index, 0: run } of body.matchAll(/\S+/g)) {
    for (let offset = 0; offset < run.length; offset++) indexes[length++] = index + offset;
  }
  return { text: body.replaceAll(/\s+/g, ""), indexes: indexes.subarray(0, length) };
}

function findBare({ text, indexes }: BareText, content: string, from: number): [number, number] | undefined {
  const wanted = content.replaceAll(/\s+/g, "");
  if (wanted === "") return undefined;
  const first = indexes.findIndex((index) => index >= from);
  const found = indexFrom(text, wanted, Math.max(0, first));
  if (found < 0) return undefined;
  return [indexes[found] ?? 0, (indexes[found + wanted.length - 1] ?? 0) + 1];
}

function indexFrom(text: string, wanted: string, from: number): number {
  const after = text.indexOf(wanted, from);
  return after >= 0 ? after : text.indexOf(wanted);
}

/** Converts indexes of a text to code points. Counts on from the previous index, so ascending indexes cost one pass. */
function pointCounter(text: string): (index: number) => number {
  let known = 0;
  let points = 0;
  return (index) => {
    points += index >= known ? countPoints(text.slice(known, index)) : -countPoints(text.slice(index, known));
    known = index;
    return points;
  };
}
