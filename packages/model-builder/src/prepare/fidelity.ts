/** How well the vectors of one graph agree with those of another, over the same texts. */
export interface Fidelity {
  /** The least cosine similarity between the two vectors of a text. */
  leastCosine: number;
  /** The mean share of a text's ten nearest other texts that both graphs agree on. */
  overlap10: number;
}

/** @param vectors, expected Vectors of length 1, in the order of the texts. */
export function fidelityOf(vectors: readonly Float32Array[], expected: readonly Float32Array[]): Fidelity {
  const cosines = vectors.map((vector, index) => dot(vector, expected[index] ?? new Float32Array()));
  const overlaps = vectors.map((_, index) => {
    const wanted = nearest(expected, index);
    const found = nearest(vectors, index);
    return found.filter((other) => wanted.includes(other)).length / wanted.length;
  });
  // Both NaN and the minimum of nothing, which is Infinity, must become NaN: they would pass a comparison.
  const leastCosine = cosines.length === 0 || cosines.some(Number.isNaN) ? Number.NaN : Math.min(...cosines);
  return { leastCosine, overlap10: overlaps.reduce((sum, overlap) => sum + overlap, 0) / overlaps.length };
}

function nearest(vectors: readonly Float32Array[], from: number): number[] {
  const origin = vectors[from] ?? new Float32Array();
  const others = [...vectors.keys()].filter((index) => index !== from);
  const similarity = new Map(others.map((index) => [index, dot(origin, vectors[index] ?? new Float32Array())]));
  return others.sort((a, b) => (similarity.get(b) ?? 0) - (similarity.get(a) ?? 0)).slice(0, 10);
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, index) => sum + value * (b[index] ?? Number.NaN), 0);
}
