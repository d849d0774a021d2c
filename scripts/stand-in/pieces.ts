/** A subword: the beginning of a word or the inside of one. `count` is how many words of the corpus have it there. */
export interface Piece {
  text: string;
  start: boolean;
  count: number;
}

type Counts = Map<string, number>;

/**
 * The pieces that spare the most characters, at most `size` of them: words, the stems and endings that several words
 * share, and the two or three letters inside that many do. Every character of the alphabet is a piece both at the
 * start and inside, so that a word never seen is still spelled out.
 */
export function choosePieces(words: Counts, alphabet: readonly string[], size: number): Piece[] {
  const starts = countBeginnings(words);
  const insides = new Map([...countShared(words, innerLetters, 10), ...countShared(words, endings, 3)]);
  const characters = alphabet.flatMap((text) => [
    { text, start: true, count: take(starts, text) },
    { text, start: false, count: take(insides, text) },
  ]);
  const candidates = [...toPieces(starts, true), ...toPieces(insides, false)].sort(byCharactersSpared);
  return [...characters, ...candidates.slice(0, size - characters.length)];
}

/** Words and stems. A stem that is always followed by the same letter is left to the longer one. */
function countBeginnings(words: Counts): Counts {
  const counts = countShared(words, beginnings, 1);
  const unbranched = new Set<string>();
  for (const [beginning, count] of counts) {
    const shorter = beginning.slice(0, -1);
    if (counts.get(shorter) === count) unbranched.add(shorter);
  }
  return new Map([...counts].filter(([beginning]) => !unbranched.has(beginning)));
}

/** How often the parts of words occur, as far as at least so many different words have them. */
function countShared(words: Counts, partsOf: (word: string) => string[], leastWords: number): Counts {
  const counts: Counts = new Map();
  const bearers: Counts = new Map();
  for (const [word, count] of words) {
    for (const part of new Set(partsOf(word))) {
      counts.set(part, (counts.get(part) ?? 0) + count);
      bearers.set(part, (bearers.get(part) ?? 0) + 1);
    }
  }
  return new Map([...counts].filter(([part]) => (bearers.get(part) ?? 0) >= leastWords));
}

function beginnings(word: string): string[] {
  return lengths(Math.min(3, word.length), word.length).map((length) => word.slice(0, length));
}

function endings(word: string): string[] {
  return lengths(1, Math.min(8, word.length - 1)).map((length) => word.slice(-length));
}

function innerLetters(word: string): string[] {
  const starts = lengths(1, word.length - 2);
  return [2, 3].flatMap((length) => starts.map((start) => word.slice(start, start + length)));
}

function lengths(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);
}

function take(counts: Counts, text: string): number {
  const count = counts.get(text) ?? 1;
  counts.delete(text);
  return count;
}

function toPieces(counts: Counts, start: boolean): Piece[] {
  return [...counts].map(([text, count]) => ({ text, start, count }));
}

/** No two candidates compare equal: the order, and with it every id, is the same on every run. */
function byCharactersSpared(a: Piece, b: Piece): number {
  const difference = b.count * b.text.length - a.count * a.text.length;
  return difference || (a.text < b.text ? -1 : a.text > b.text ? 1 : Number(b.start) - Number(a.start));
}
