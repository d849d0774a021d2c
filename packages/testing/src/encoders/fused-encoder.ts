import { encodeModel, type Node, node, tensor, valueInfo } from "@reembed/model-builder/model-writer";

export type FusedAttention = "Attention" | "MultiHeadAttention";
export type FusedActivation = "BiasGelu" | "FastGelu";
type Values = Readonly<Record<string, Float32Array>>;

const [hidden, intermediate, heads, layers] = [16, 24, 2, 2];
const microsoft = "com.microsoft";

/**
 * The BERT of the fixtures in the form that ONNX Runtime's transformer optimizer writes: a few fused operators per layer,
 * with query, key and value packed and their names lost. https://github.com/microsoft/onnxruntime/tree/main/onnxruntime/python/tools/transformers
 */
export function encodeFusedBert(values: Values, attention: FusedAttention, activation: FusedActivation): Uint8Array {
  const initializers = new Map<string, { dims: number[]; data: Float32Array }>();
  const nodes: Node[] = [];
  const named = (name: string, ...dims: number[]) => {
    initializers.set(name, { dims, data: values[name] ?? new Float32Array() });
    return name;
  };
  const anonymous = (name: string, data: Float32Array, ...dims: number[]) => {
    initializers.set(name, { dims, data });
    return name;
  };
  const product = (input: string, name: string, from: number, to: number) => {
    const weight = anonymous(`onnx::MatMul_${300 + nodes.length}`, valuesOf(values, name), from, to);
    nodes.push(node("MatMul", [input, weight], [`${name}_product`]));
    return `${name}_product`;
  };

  const tables = [
    named("embeddings.word_embeddings.weight", 50, hidden),
    named("embeddings.position_embeddings.weight", 20, hidden),
    named("embeddings.token_type_embeddings.weight", 2, hidden),
  ];
  const norm = (owner: string) =>
    [`${owner}.LayerNorm.weight`, `${owner}.LayerNorm.bias`].map((name) => named(name, hidden));
  nodes.push(
    node("Cast", ["input_ids"], ["ids"], { to: { elementType: "int32" } }),
    node("Cast", ["token_type_ids"], ["types"], { to: { elementType: "int32" } }),
    node("Cast", ["attention_mask"], ["mask"], { to: { elementType: "int32" } }),
    node(
      "EmbedLayerNormalization",
      ["ids", "types", ...tables, ...norm("embeddings"), "mask"],
      ["embedded", "lengths"],
      { epsilon: { float: 1e-12 } },
      microsoft,
    ),
  );
  let input = "embedded";
  for (let layer = 0; layer < layers; layer++) {
    const at = `encoder.layer.${layer}`;
    const parts = ["query", "key", "value"].map((part) => `${at}.attention.self.${part}`);
    const biases = parts.map((part) => valuesOf(values, `${part}.bias`));
    const bias = anonymous(`Attention_${layer}_qkv_bias`, concatenate(biases), 3 * hidden);
    const context = `${at}.context`;
    if (attention === "Attention") {
      const weights = packColumns(parts.map((part) => valuesOf(values, `${part}.weight`)));
      const weight = anonymous(`Attention_${layer}_qkv_weight`, weights, hidden, 3 * hidden);
      nodes.push(
        node(attention, [input, weight, bias, "lengths"], [context], { num_heads: { int: heads } }, microsoft),
      );
    } else {
      const factors = parts.map((part) => product(input, `${part}.weight`, hidden, hidden));
      nodes.push(node(attention, [...factors, bias, "lengths"], [context], { num_heads: { int: heads } }, microsoft));
    }
    const attended = product(context, `${at}.attention.output.dense.weight`, hidden, hidden);
    nodes.push(skipLayerNorm([attended, input], `${at}.attention.output`, `${at}.attended`));
    const inner = product(`${at}.attended`, `${at}.intermediate.dense.weight`, hidden, intermediate);
    nodes.push(
      node(
        activation,
        [inner, named(`${at}.intermediate.dense.bias`, intermediate)],
        [`${at}.activated`],
        {},
        microsoft,
      ),
    );
    const outer = product(`${at}.activated`, `${at}.output.dense.weight`, intermediate, hidden);
    input = layer === layers - 1 ? "last_hidden_state" : `${at}.hidden`;
    nodes.push(skipLayerNorm([outer, `${at}.attended`], `${at}.output`, input));
  }

  function skipLayerNorm(inputs: string[], owner: string, output: string): Node {
    const all = [...inputs, ...norm(owner), named(`${owner}.dense.bias`, hidden)];
    return node("SkipLayerNormalization", all, [output], { epsilon: { float: 1e-12 } }, microsoft);
  }

  return encodeModel({
    name: "fused-bert",
    inputs: ["input_ids", "attention_mask", "token_type_ids"].map((name) =>
      valueInfo(name, "int64", ["batch", "sequence"]),
    ),
    outputs: [valueInfo("last_hidden_state", "float32", ["batch", "sequence", hidden])],
    initializers: [...initializers].map(([name, { dims, data }]) => tensor(name, dims, data)),
    nodes,
  });
}

function valuesOf(values: Values, name: string): Float32Array {
  return values[name] ?? new Float32Array();
}

function concatenate(parts: readonly Float32Array[]): Float32Array {
  return Float32Array.from(parts.flatMap((part) => [...part]));
}

/** Concatenates matrices [in, out] by columns to [in, 3 out]. */
function packColumns(parts: readonly Float32Array[]): Float32Array {
  const rows = Array.from({ length: hidden }, (_, row) =>
    parts.map((part) => part.subarray(row * hidden, (row + 1) * hidden)),
  );
  return concatenate(rows.flat());
}
