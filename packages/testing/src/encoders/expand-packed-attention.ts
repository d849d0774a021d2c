import type { EncoderShape } from "@reembed/model-builder/graph";
import { type Node, node, tensor } from "@reembed/model-builder/model-writer";
import onnxProto from "onnx-proto";

const { ModelProto } = onnxProto.onnx;

/**
 * Replaces CUDA in tests: every `PackedMultiHeadAttention` of a packed float32 graph, which only CUDA's provider has, is
 * replaced by plain operators that compute what its documentation says.
 */
export function expandPackedAttention(bytes: Uint8Array, { heads, hidden }: EncoderShape): Uint8Array {
  const model = ModelProto.decode(bytes);
  const graph = model.graph;
  if (graph === null || graph === undefined) throw new TypeError("The model has no graph");
  const size = hidden / heads;
  graph.initializer = [
    ...(graph.initializer ?? []),
    tensor("test.split", [3], new BigInt64Array([-1n, BigInt(heads), BigInt(size)])),
    tensor("test.join", [2], new BigInt64Array([-1n, BigInt(hidden)])),
    tensor("test.scale", [], new Float32Array([1 / Math.sqrt(size)])),
    tensor("test.hidden", [], new Float32Array([-1e9])),
    tensor("test.zero", [], new Int32Array([0])),
    tensor("test.one", [], new Int32Array([1])),
    tensor("test.first", [1], new BigInt64Array([0n])),
    tensor("test.second", [1], new BigInt64Array([1n])),
  ];
  graph.node = [
    // The text that a token belongs to: the number of bounds at or below the token's place.
    node("Shape", ["input_ids"], ["test.shape"]),
    node("Squeeze", ["test.shape"], ["test.count"]),
    node("Cast", ["test.count"], ["test.tokens"], { to: { elementType: "int32" } }),
    node("Range", ["test.zero", "test.tokens", "test.one"], ["test.places"]),
    node("Unsqueeze", ["test.places", "test.second"], ["test.column"]),
    node("GreaterOrEqual", ["test.column", "cumulative_sequence_length"], ["test.passed"]),
    node("Cast", ["test.passed"], ["test.counted"], { to: { elementType: "float32" } }),
    node("ReduceSum", ["test.counted", "test.second"], ["test.texts"]),
    node("Transpose", ["test.texts"], ["test.row"]),
    node("Equal", ["test.texts", "test.row"], ["test.together"]),
    ...(graph.node ?? []).flatMap((entry) =>
      entry.opType === "PackedMultiHeadAttention" ? attention(entry) : [entry as Node],
    ),
  ];
  return ModelProto.encode(model).finish();
}

function attention(entry: Node): Node[] {
  const [query = "", key = "", value = ""] = entry.input ?? [];
  const [output = ""] = entry.output ?? [];
  const own = (name: string) => `${output}.${name}`;
  const split = (values: string, name: string, perm: number[]) => [
    node("Reshape", [values, "test.split"], [own(`${name}.split`)]),
    node("Transpose", [own(`${name}.split`)], [own(name)], { perm: { ints: perm } }),
  ];
  return [
    ...split(query, "query", [1, 0, 2]),
    ...split(key, "key", [1, 2, 0]),
    ...split(value, "value", [1, 0, 2]),
    node("MatMul", [own("query"), own("key")], [own("products")]),
    node("Mul", [own("products"), "test.scale"], [own("scaled")]),
    node("Where", ["test.together", own("scaled"), "test.hidden"], [own("scores")]),
    node("Softmax", [own("scores")], [own("weights")], { axis: { int: -1 } }),
    node("MatMul", [own("weights"), own("value")], [own("sums")]),
    node("Transpose", [own("sums")], [own("tokens")], { perm: { ints: [1, 0, 2] } }),
    node("Reshape", [own("tokens"), "test.join"], [output]),
  ];
}
