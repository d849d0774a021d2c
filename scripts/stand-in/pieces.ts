/** A subword: the beginning of a word or the inside of one. `count` is how many words of the corpus have it there. */
export interface Piece {
  text: string;
  start: boolean;
  count: number;
}

const minStem = 3;
const maxSuffix = 8;

/**
 * The pieces that spare the most characters: whole words, stems (beginnings after which words of the corpus differ)
 * and endings, at most `size` of them. Every character of the alphabet is a piece both at the start and inside, so
 * that a word never seen is still spelled out.
 */
export function choosePieces(words: ReadonlyMap<string, number>, alphabet: readonly string[], size: number): Piece[] {
  const starts = new Map<string, number>(words);
  for (const [stem, count] of countStems(words)) starts.set(stem, count);
  const insides = countSuffixes(words);
  const characters = alphabet.flatMap((character) => [
    { text: character, start: true, count: take(starts, character) },
    { text: character, start: false, count: take(insides, character) },
  ]);
  const candidates = [...toPieces(starts, true), ...toPieces(insides, false)].sort(byCharactersSpared);
  return [...characters, ...candidates.slice(0, size - characters.length)];
}

/** Beginnings shared by words that go on differently. One that every word continues alike is no better than that. */
function countStems(words: ReadonlyMap<string, number>): Map<string, number> {
  const counts = new Map<string, number>();
  const continuations = new Map<string, Set<string>>();
  for (const [word, count] of words) {
    for (let length = minStem; length <= word.length; length += 1) {
      const stem = word.slice(0, length);
      counts.set(stem, (counts.get(stem) ?? 0) + count);
      const next = continuations.get(stem) ?? new Set();
      continuations.set(stem, next.add(word.charAt(length)));
    }
  }
  return new Map([...counts].filter(([stem]) => (continuations.get(stem)?.size ?? 0) > 1));
}

/** Endings that at least three different words have. */
function countSuffixes(words: ReadonlyMap<string, number>): Map<string, number> {
  const counts = new Map<string, number>();
  const bearers = new Map<string, number>();
  for (const [word, count] of words) {
    for (let length = 1; length <= Math.min(maxSuffix, word.length - 1); length += 1) {
      const suffix = word.slice(-length);
      counts.set(suffix, (counts.get(suffix) ?? 0) + count);
      bearers.set(suffix, (bearers.get(suffix) ?? 0) + 1);
    }
  }
  const K=Number(process.env.INNER ?? 0), M=Number(process.env.MAXIN??3);
  if (K) {
    const ib = new Map<string, number>(), ic = new Map<string, number>();
    for (const [word, count] of words) for (const g of new Set([2,3,4].filter(l=>l<=M).flatMap((l) => Array.from({length: Math.max(0, word.length - l)}, (_, i) => word.slice(i + 1, i + 1 + l))))) { ib.set(g, (ib.get(g) ?? 0) + 1); ic.set(g, (ic.get(g) ?? 0) + count); }
    for (const [g, n] of ib) if (n >= K && !counts.has(g)) { counts.set(g, ic.get(g) ?? 0); bearers.set(g, n); }
  }
  return new Map([...counts].filter(([suffix]) => (bearers.get(suffix) ?? 0) >= 3));
}

function take(counts: Map<string, number>, text: string): number {
  const count = counts.get(text) ?? 1;
  counts.delete(text);
  return count;
}

function toPieces(counts: ReadonlyMap<string, number>, start: boolean): Piece[] {
  return [...counts].map(([text, count]) => ({ text, start, count }));
}

function byCharactersSpared(a: Piece, b: Piece): number {
  const difference = b.count * b.text.length - a.count * a.text.length;
  return difference || (a.text < b.text ? -1 : a.text > b.text ? 1 : Number(b.start) - Number(a.start));
}
