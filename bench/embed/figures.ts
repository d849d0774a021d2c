/** The middle value, or the mean of the two middle values. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

export function roundTo(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

/** Least cosine similarity between two lists of vectors of length 1, pair by pair; NaN if a vector is missing or has a NaN. */
export function leastCosine(vectors: readonly Float32Array[], expected: readonly Float32Array[]): number {
  if (vectors.length !== expected.length) return Number.NaN;
  const cosines = vectors.map((vector, index) =>
    vector.reduce((sum, value, at) => sum + value * (expected[index]?.[at] ?? Number.NaN), 0),
  );
  return Math.min(...cosines);
}

/**
 * Refuses a result in which a figure is zero or not a number, because that is not a measurement.
 * @param zeroAllowed Names of figures that may be zero, such as padding.
 */
export function refuseEmptyFigures(result: object, zeroAllowed: readonly string[] = []): void {
  for (const [name, value] of Object.entries(result)) {
    if (typeof value === "object" && value !== null) refuseEmptyFigures(value, zeroAllowed);
    if (typeof value !== "number") continue;
    const least = zeroAllowed.includes(name) ? 0 : Number.MIN_VALUE;
    if (!Number.isFinite(value) || value < least) throw new Error(`${name} is ${value}, so this is not a valid result`);
  }
}
