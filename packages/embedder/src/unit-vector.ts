/**
 * The beginning of a vector that a model emits, scaled to length 1; undefined if its length is zero or not finite. Only
 * the beginning is taken of models that were trained for it (Kusupati et al., Matryoshka Representation Learning, 2022).
 */
export function unitVector(emitted: Float32Array, dimensions: number): Float32Array | undefined {
  const vector = emitted.slice(0, dimensions);
  const length = lengthOf(vector);
  if (!Number.isFinite(length) || length === 0) return undefined;
  for (let index = 0; index < dimensions; index++) vector[index] = (vector[index] ?? 0) / length;
  return vector;
}

/** At 1,024 dimensions `Math.hypot(...vector)` takes 50 µs, this 1.5. The square of a float32 cannot overflow a double. */
function lengthOf(vector: Float32Array): number {
  let sum = 0;
  for (let index = 0; index < vector.length; index++) sum += (vector[index] ?? 0) ** 2;
  return Math.sqrt(sum);
}
