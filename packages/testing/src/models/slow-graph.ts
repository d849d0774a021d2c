import { encodeModel, node, tensor, valueInfo } from "@reembed/model-builder/model-writer";

export const slowDimensions = 1024;
const products = 64;

/**
 * The bytes of a graph that is slow in one run: it multiplies each token's vector by a matrix 64 times, 134 MFLOP per token,
 * which takes 1 to 3 ms on two busy cores. The vector of a text depends on its number of tokens and their ids.
 */
export function encodeSlowGraph(): Uint8Array {
  const size = slowDimensions;
  const names = Array.from({ length: products + 1 }, (_, index) => `tokens_${index}`);
  return encodeModel({
    name: "slow",
    inputs: [valueInfo("input_ids", "int64", ["batch", "sequence"])],
    outputs: [valueInfo("sentence_embedding", "float32", ["batch", size])],
    initializers: [
      tensor("row", [1, size], new Float32Array(size).fill(1 / size)),
      tensor("matrix", [size, size], hadamard(size)),
      tensor("last_axis", [1], new BigInt64Array([2n])),
    ],
    nodes: [
      node("Cast", ["input_ids"], ["ids"], { to: { elementType: "float32" } }),
      node("Unsqueeze", ["ids", "last_axis"], ["id_rows"]),
      node("MatMul", ["id_rows", "row"], ["tokens_0"]),
      ...names.slice(1).map((name, index) => node("MatMul", [names[index] ?? "", "matrix"], [name])),
      node("ReduceMean", [names.at(-1) ?? ""], ["sentence_embedding"], { axes: { ints: [1] }, keepdims: { int: 0 } }),
    ],
  });
}

/** Sylvester's matrix, scaled to be orthogonal, so that values neither grow nor vanish after many multiplications. */
function hadamard(size: number): Float32Array {
  const matrix = new Float32Array(size * size);
  matrix[0] = 1 / Math.sqrt(size);
  for (let half = 1; half < size; half *= 2) {
    for (let row = 0; row < half; row++) {
      for (let column = 0; column < half; column++) {
        const value = matrix[row * size + column] ?? 0;
        matrix[row * size + column + half] = value;
        matrix[(row + half) * size + column] = value;
        matrix[(row + half) * size + column + half] = -value;
      }
    }
  }
  return matrix;
}
