import { encodeModel, node, tensor, valueInfo } from "@reembed/model-builder/model-writer";

export const poisonDimensions = 1024;

/**
 * The bytes of a graph that allocates more memory than any machine has if one of its inputs is a certain token. Otherwise
 * it returns the same vector for every text.
 */
export function encodePoisonGraph(poisonId: number): Uint8Array {
  const size = poisonDimensions;
  return encodeModel({
    name: "poison",
    inputs: [valueInfo("input_ids", "int64", ["batch", "sequence"])],
    outputs: [valueInfo("sentence_embedding", "float32", ["batch", size])],
    initializers: [
      tensor("row", [1, size], new Float32Array(size).fill(1 / 32)),
      tensor("poison_id", [], new BigInt64Array([BigInt(poisonId)])),
      tensor("none", [], new BigInt64Array([0n])),
      tensor("little", [1], new BigInt64Array([1n])),
      // 2^50 numbers of 4 bytes: more than a process can address.
      tensor("much", [1], new BigInt64Array([2n ** 50n])),
      tensor("all_axes", [2], new BigInt64Array([0n, 1n])),
      tensor("last_axis", [1], new BigInt64Array([1n])),
    ],
    nodes: [
      node("Equal", ["input_ids", "poison_id"], ["is_poison"]),
      node("Cast", ["is_poison"], ["poison_count"], { to: { elementType: "int64" } }),
      node("ReduceSum", ["poison_count", "all_axes"], ["poison_sum"], { keepdims: { int: 0 } }),
      node("Greater", ["poison_sum", "none"], ["any_poison"]),
      node("Where", ["any_poison", "much", "little"], ["wanted"]),
      node("ConstantOfShape", ["wanted"], ["zeros"]),
      node("ReduceSum", ["zeros"], ["zero"], { keepdims: { int: 0 } }),
      node("Cast", ["input_ids"], ["ids"], { to: { elementType: "float32" } }),
      node("Mul", ["ids", "zero"], ["nothing"]),
      node("ReduceSum", ["nothing", "last_axis"], ["column"], { keepdims: { int: 1 } }),
      node("Add", ["column", "row"], ["sentence_embedding"]),
    ],
  });
}
