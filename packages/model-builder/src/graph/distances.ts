import type { EncoderWeights } from "../weights/encoder-weights.ts";
import type { EncoderShape } from "./encoder-shape.ts";

/** Distances from this one on are of one class. */
const farthest = 128;

/**
 * What attention adds to the scores of two tokens because of their distance, as MPNet does: [heads, 2 positions - 1], with
 * the distance -(positions - 1) in the first column.
 */
export async function distanceTable(weights: EncoderWeights, shape: EncoderShape): Promise<Float32Array> {
  const { heads, positions, distances } = shape;
  const tensor = weights.tensor("encoder.relative_attention_bias.weight", [distances, heads]);
  const terms = await tensor.readRows(0, distances);
  const columns = 2 * positions - 1;
  const table = new Float32Array(heads * columns);
  for (let column = 0; column < columns; column++) {
    const row = distanceClass(column - (positions - 1), distances);
    for (let head = 0; head < heads; head++) table[head * columns + column] = terms[row * heads + head] ?? 0;
  }
  return table;
}

/**
 * The class of a distance, key - query: half of the classes are for keys before the query, and half of each of those for
 * one distance each; the others grow with the logarithm. Computed in float32, because PyTorch rounds so.
 */
export function distanceClass(distance: number, classes: number): number {
  const half = classes / 2;
  const exact = half / 2;
  const size = Math.abs(distance);
  const start = distance > 0 ? half : 0;
  if (size < exact) return start + size;
  const ratio = Math.fround(Math.fround(Math.log(size / exact)) / Math.fround(Math.log(farthest / exact)));
  return start + Math.min(half - 1, exact + Math.trunc(Math.fround(ratio * (half - exact))));
}
