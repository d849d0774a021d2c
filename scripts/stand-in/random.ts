/** Evenly distributed 32-bit numbers from a seed, the same on every machine (mulberry32). */
export function randomIntegers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

/** +1 and -1, always the same for a text; those of two texts are close to orthogonal. */
export function randomSigns(text: string, dimensions: number): Int8Array {
  const next = randomIntegers(seedOf(text));
  return Int8Array.from({ length: dimensions }, () => (next() & 1 ? 1 : -1));
}

/** FNV-1a over the UTF-16 units. */
function seedOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}
