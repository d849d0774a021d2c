import { encodeModel, node, tensor, valueInfo } from "@reembed/model-builder/model-writer";

export const greedyDimensions = 4;

/**
 * The bytes of a graph that allocates more memory than any machine has if a run has more than `mostTokens` tokens, padding
 * included. A text's vector is computed from the sum of its ids.
 */
export function encodeGreedyGraph(mostTokens: number): Uint8Array {
  const frequencies = Float32Array.from({ length: greedyDimensions }, (_, index) => (index + 1) / 1_024);
  return encodeModel({
    name: "greedy",
    inputs: [valueInfo("input_ids", "int64", ["batch", "sequence"])],
    outputs: [valueInfo("sentence_embedding", "float32", ["batch", greedyDimensions])],
    initializers: [
      tensor("frequencies", [1, greedyDimensions], frequencies),
      tensor("most_tokens", [], new BigInt64Array([BigInt(mostTokens)])),
      tensor("little", [1], new BigInt64Array([1n])),
      // 2^50 numbers of 4 bytes: more than a process can address.
      tensor("much", [1], new BigInt64Array([2n ** 50n])),
      tensor("last_axis", [1], new BigInt64Array([1n])),
    ],
    nodes: [
      node("Size", ["input_ids"], ["tokens"]),
      node("Greater", ["tokens", "most_tokens"], ["too_many"]),
      node("Where", ["too_many", "much", "little"], ["wanted"]),
      node("ConstantOfShape", ["wanted"], ["zeros"]),
      node("ReduceSum", ["zeros"], ["zero"], { keepdims: { int: 0 } }),
      node("Cast", ["input_ids"], ["ids"], { to: { elementType: "float32" } }),
      node("ReduceSum", ["ids", "last_axis"], ["sums"]),
      node("Add", ["sums", "zero"], ["phases"]),
      node("Mul", ["phases", "frequencies"], ["angles"]),
      node("Cos", ["angles"], ["sentence_embedding"]),
    ],
  });
}
