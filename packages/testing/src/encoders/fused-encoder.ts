import { encodeModel, type Node, node, tensor, valueInfo } from "@reembed/model-builder/model-writer";

export type FusedAttention = "Attention" | "MultiHeadAttention";
export type FusedActivation = "BiasGelu" | "FastGelu";
type Values = Readonly<Record<string, Float32Array>>;

const [hidden, intermediate, heads, layers] = [16, 24, 2, 2];

/**
 * The BERT of the fixtures in the form that ONNX Runtime's transformer optimizer writes: a few fused operators per layer,
 * with query, key and value packed and their names lost. https://github.com/microsoft/onnxruntime/tree/main/onnxruntime/python/tools/transformers
 */
export function encodeFusedBert(values: Values, attention: FusedAttention, activation: FusedActivation): Uint8Array {
  const encoder = new FusedBert(values);
  let hiddenStates = encoder.addEmbeddings();
  for (let layer = 0; layer < layers; layer++) {
    const at = `encoder.layer.${layer}`;
    const context = encoder.addAttention(hiddenStates, layer, attention);
    const attended = encoder.addOutput([context, hiddenStates], `${at}.attention.output`, hidden, `${at}.attended`);
    const wide = encoder.addActivation(attended, at, activation);
    const output = layer === layers - 1 ? "last_hidden_state" : `${at}.hidden`;
    hiddenStates = encoder.addOutput([wide, attended], `${at}.output`, intermediate, output);
  }
  return encoder.encode();
}

class FusedBert {
  readonly #values: Values;
  readonly #initializers = new Map<string, { dims: number[]; data: Float32Array }>();
  readonly #nodes: Node[] = [];

  constructor(values: Values) {
    this.#values = values;
  }

  addEmbeddings(): string {
    const tables = [
      this.#named("embeddings.word_embeddings.weight", 50, hidden),
      this.#named("embeddings.position_embeddings.weight", 20, hidden),
      this.#named("embeddings.token_type_embeddings.weight", 2, hidden),
    ];
    const inputs = ["ids", "types", ...tables, ...this.#norm("embeddings"), "mask"];
    this.#nodes.push(
      node("Cast", ["input_ids"], ["ids"], { to: { elementType: "int32" } }),
      node("Cast", ["token_type_ids"], ["types"], { to: { elementType: "int32" } }),
      node("Cast", ["attention_mask"], ["mask"], { to: { elementType: "int32" } }),
      node("com.microsoft.EmbedLayerNormalization", inputs, ["embedded", "lengths"], { epsilon: { float: 1e-12 } }),
    );
    return "embedded";
  }

  addAttention(input: string, layer: number, operator: FusedAttention): string {
    const at = `encoder.layer.${layer}`;
    const parts = ["query", "key", "value"].map((part) => `${at}.attention.self.${part}`);
    const biases = parts.map((part) => valuesOf(this.#values, `${part}.bias`));
    const bias = this.#anonymous(`Attention_${layer}_qkv_bias`, concatenate(biases), 3 * hidden);
    let inputs: string[];
    if (operator === "Attention") {
      const weights = packColumns(parts.map((part) => valuesOf(this.#values, `${part}.weight`)));
      inputs = [input, this.#anonymous(`Attention_${layer}_qkv_weight`, weights, hidden, 3 * hidden)];
    } else {
      inputs = parts.map((part) => this.#product(input, `${part}.weight`, hidden, hidden));
    }
    const context = `${at}.context`;
    const attributes = { num_heads: { int: heads } };
    this.#nodes.push(node(`com.microsoft.${operator}`, [...inputs, bias, "lengths"], [context], attributes));
    return context;
  }

  addActivation(input: string, at: string, operator: FusedActivation): string {
    const inner = this.#product(input, `${at}.intermediate.dense.weight`, hidden, intermediate);
    const bias = this.#named(`${at}.intermediate.dense.bias`, intermediate);
    this.#nodes.push(node(`com.microsoft.${operator}`, [inner, bias], [`${at}.activated`]));
    return `${at}.activated`;
  }

  /** A dense layer, and the sum of its result and `skip`, normalised. */
  addOutput([input, skip]: [input: string, skip: string], owner: string, width: number, output: string): string {
    const product = this.#product(input, `${owner}.dense.weight`, width, hidden);
    const inputs = [product, skip, ...this.#norm(owner), this.#named(`${owner}.dense.bias`, hidden)];
    this.#nodes.push(node("com.microsoft.SkipLayerNormalization", inputs, [output], { epsilon: { float: 1e-12 } }));
    return output;
  }

  encode(): Uint8Array {
    return encodeModel({
      name: "fused-bert",
      inputs: ["input_ids", "attention_mask", "token_type_ids"].map((name) =>
        valueInfo(name, "int64", ["batch", "sequence"]),
      ),
      outputs: [valueInfo("last_hidden_state", "float32", ["batch", "sequence", hidden])],
      initializers: [...this.#initializers].map(([name, { dims, data }]) => tensor(name, dims, data)),
      nodes: this.#nodes,
    });
  }

  #norm(owner: string): string[] {
    return [`${owner}.LayerNorm.weight`, `${owner}.LayerNorm.bias`].map((name) => this.#named(name, hidden));
  }

  /** Multiplies by a matrix whose name is lost, as an optimizer writes it. */
  #product(input: string, name: string, from: number, to: number): string {
    const lost = `onnx::MatMul_${300 + this.#nodes.length}`;
    const weight = this.#anonymous(lost, valuesOf(this.#values, name), from, to);
    this.#nodes.push(node("MatMul", [input, weight], [`${name}_product`]));
    return `${name}_product`;
  }

  #named(name: string, ...dims: number[]): string {
    return this.#anonymous(name, valuesOf(this.#values, name), ...dims);
  }

  #anonymous(name: string, data: Float32Array, ...dims: number[]): string {
    this.#initializers.set(name, { dims, data });
    return name;
  }
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
