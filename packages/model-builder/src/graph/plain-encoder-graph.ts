import type { EncoderWeights } from "../weights/encoder-weights.ts";
import type { EncoderShape } from "./encoder-shape.ts";
import { GraphBuilder } from "./graph-builder.ts";

export interface PlainEncoderOptions {
  path: string;
  shape: EncoderShape;
  weights: EncoderWeights;
  dense?: EncoderWeights | undefined;
}

/**
 * Writes an encoder operator by operator in float32, as exporters of PyTorch models do. Inputs: `input_ids` and
 * `attention_mask`. Output: `last_hidden_state` [texts, sequence, hidden] or, with a dense layer, the pooled
 * `sentence_embedding`. Prepared graphs are compared with it if there is no export, so it shares no code with them.
 */
export async function writePlainEncoder({ path, shape, weights, dense }: PlainEncoderOptions): Promise<void> {
  await using graph = await GraphBuilder.create(path);
  const encoder = new PlainEncoder(graph, shape, weights);
  const tokens = await encoder.encode();
  if (dense === undefined) {
    graph.output(tokens, "last_hidden_state", "float32", ["texts", "sequence", shape.hidden]);
  } else {
    const vectors = await encoder.widen(encoder.pool(tokens), dense);
    graph.output(vectors, "sentence_embedding", "float32", ["texts", shape.dimensions]);
  }
  await graph.finish();
}

class PlainEncoder {
  readonly #graph: GraphBuilder;
  readonly #shape: EncoderShape;
  readonly #weights: EncoderWeights;
  readonly #ids: string;
  readonly #mask: string;
  /** The mask as numbers. */
  readonly #floats: string;
  /** What is added to scores, so that no token attends to padding. */
  readonly #hiding: string;

  constructor(graph: GraphBuilder, shape: EncoderShape, weights: EncoderWeights) {
    this.#graph = graph;
    this.#shape = shape;
    this.#weights = weights;
    this.#ids = graph.input("input_ids", "int64", ["texts", "sequence"]);
    this.#mask = graph.input("attention_mask", "int64", ["texts", "sequence"]);
    this.#floats = graph.add("Cast", [this.#mask], { to: { elementType: "float32" } });
    this.#hiding = graph.add("Unsqueeze", [
      graph.add("Mul", [graph.add("Sub", [graph.scalar(1), this.#floats]), graph.scalar(-1e9)]),
      graph.constant(new BigInt64Array([1n, 2n]), [2]),
    ]);
  }

  /** The last hidden states of the tokens. */
  async encode(): Promise<string> {
    const { hidden, intermediate, layers } = this.#shape;
    let tokens = await this.#norm(await this.#embeddings(), "embeddings.LayerNorm");
    for (let layer = 0; layer < layers; layer++) {
      const name = `encoder.layer.${layer}`;
      const context = await this.#attention(tokens, `${name}.attention.self`);
      const attended = await this.#linear(context, `${name}.attention.output.dense`, hidden, hidden);
      tokens = await this.#norm(this.#graph.add("Add", [attended, tokens]), `${name}.attention.output.LayerNorm`);
      const wide = this.#gelu(await this.#linear(tokens, `${name}.intermediate.dense`, hidden, intermediate));
      const narrow = await this.#linear(wide, `${name}.output.dense`, intermediate, hidden);
      tokens = await this.#norm(this.#graph.add("Add", [narrow, tokens]), `${name}.output.LayerNorm`);
    }
    return tokens;
  }

  /** Positions are counted from the mask, as XLM-RoBERTa does. */
  async #embeddings(): Promise<string> {
    const graph = this.#graph;
    const { vocabulary, positions, positionOffset, tokenTypes } = this.#shape;
    const words = graph.add("Gather", [await this.#table("word_embeddings", vocabulary), this.#ids]);
    const places = graph.add("Mul", [graph.add("CumSum", [this.#mask, graph.integer(1)]), this.#mask]);
    const counted = graph.add("Add", [places, graph.integer(positionOffset - 1)]);
    const rows = await this.#table("position_embeddings", positions + positionOffset);
    const types = tokenTypes > 0 && (await this.#table("token_type_embeddings", tokenTypes));
    const typed = types ? graph.add("Add", [words, graph.add("Gather", [types, graph.integer(0)])]) : words;
    return graph.add("Add", [typed, graph.add("Gather", [rows, graph.add("Max", [counted, graph.integer(0)])])]);
  }

  async #attention(tokens: string, name: string): Promise<string> {
    const graph = this.#graph;
    const { hidden, heads } = this.#shape;
    const [query = "", key = "", value = ""] = await Array.fromAsync(["query", "key", "value"], async (part) =>
      this.#split(
        await this.#linear(tokens, `${name}.${part}`, hidden, hidden),
        part === "key" ? [0, 2, 3, 1] : [0, 2, 1, 3],
      ),
    );
    const scores = graph.add("Div", [graph.add("MatMul", [query, key]), graph.scalar(Math.sqrt(hidden / heads))]);
    const shares = graph.add("Softmax", [graph.add("Add", [scores, await this.#terms()])], { axis: { int: -1 } });
    const mixed = graph.add("Transpose", [graph.add("MatMul", [shares, value])], { perm: { ints: [0, 2, 1, 3] } });
    return graph.add("Reshape", [mixed, graph.constant(new BigInt64Array([0n, 0n, BigInt(hidden)]), [3])]);
  }

  /** What is added to the scores: what hides the padding and, for MPNet, a term per head for the distance of two tokens. */
  async #terms(): Promise<string> {
    const { distances, heads } = this.#shape;
    if (distances === 0) return this.#hiding;
    const graph = this.#graph;
    const name = "encoder.relative_attention_bias.weight";
    const table = await this.#weights.tensor(name, [distances, heads]).readRows(0, distances);
    const length = graph.add("Squeeze", [graph.add("Shape", [this.#ids], { start: { int: 1 }, end: { int: 2 } })]);
    const places = graph.add("Range", [graph.integer(0), length, graph.integer(1)]);
    const [row, column] = [graph.integers(0), graph.integers(1)].map((axis) => graph.add("Unsqueeze", [places, axis]));
    const ahead = graph.add("Sub", [row ?? "", column ?? ""]);
    const [half, exact] = [distances / 2, distances / 4];
    const after = graph.add("Cast", [graph.add("Greater", [ahead, graph.integer(0)])], {
      to: { elementType: "int64" },
    });
    const size = graph.add("Abs", [ahead]);
    const floats = graph.add("Cast", [graph.add("Max", [size, graph.integer(1)])], { to: { elementType: "float32" } });
    const log = graph.add("Log", [graph.add("Div", [floats, graph.scalar(exact)])]);
    const steps = graph.add("Mul", [graph.add("Div", [log, graph.scalar(Math.log(128 / exact))]), graph.scalar(exact)]);
    const grown = graph.add("Add", [
      graph.add("Cast", [steps], { to: { elementType: "int64" } }),
      graph.integer(exact),
    ]);
    const far = graph.add("Min", [grown, graph.integer(half - 1)]);
    const near = graph.add("Where", [graph.add("Less", [size, graph.integer(exact)]), size, far]);
    const classes = graph.add("Add", [near, graph.add("Mul", [after, graph.integer(half)])]);
    const terms = graph.add("Gather", [await graph.weight(name, [distances, heads], table), classes]);
    const byHead = graph.add("Transpose", [terms], { perm: { ints: [2, 0, 1] } });
    return graph.add("Add", [graph.add("Unsqueeze", [byHead, graph.integers(0)]), this.#hiding]);
  }

  #split(values: string, perm: number[]): string {
    const graph = this.#graph;
    const { hidden, heads } = this.#shape;
    const dims = graph.constant(new BigInt64Array([0n, 0n, BigInt(heads), BigInt(hidden / heads)]), [4]);
    return graph.add("Transpose", [graph.add("Reshape", [values, dims])], { perm: { ints: perm } });
  }

  #gelu(values: string): string {
    const graph = this.#graph;
    const erf = graph.add("Erf", [graph.add("Div", [values, graph.scalar(Math.SQRT2)])]);
    const product = graph.add("Mul", [values, graph.add("Add", [erf, graph.scalar(1)])]);
    return graph.add("Mul", [product, graph.scalar(0.5)]);
  }

  async #norm(values: string, name: string): Promise<string> {
    const graph = this.#graph;
    const { hidden, layerNormEpsilon } = this.#shape;
    const mean = { axes: { ints: [-1] } };
    const centred = graph.add("Sub", [values, graph.add("ReduceMean", [values], mean)]);
    const variance = graph.add("ReduceMean", [graph.add("Pow", [centred, graph.scalar(2)])], mean);
    const deviation = graph.add("Sqrt", [graph.add("Add", [variance, graph.scalar(layerNormEpsilon)])]);
    const scaled = graph.add("Mul", [
      graph.add("Div", [centred, deviation]),
      await this.#vector(`${name}.weight`, hidden),
    ]);
    return graph.add("Add", [scaled, await this.#vector(`${name}.bias`, hidden)]);
  }

  async #linear(values: string, name: string, inputs: number, outputs: number): Promise<string> {
    const graph = this.#graph;
    const matrix = await this.#weights.tensor(`${name}.weight`, [inputs, outputs]).readRows(0, inputs);
    const product = graph.add("MatMul", [values, await graph.weight(`${name}.weight`, [inputs, outputs], matrix)]);
    return graph.add("Add", [await this.#vector(`${name}.bias`, outputs), product]);
  }

  async #vector(name: string, length: number): Promise<string> {
    return await this.#graph.weight(name, [length], await this.#weights.tensor(name, [length]).readRows(0, length));
  }

  async #table(part: string, rows: number): Promise<string> {
    const { hidden } = this.#shape;
    const name = `embeddings.${part}.weight`;
    const tensor = this.#weights.tensor(name, [rows, hidden]);
    const step = 4_096;
    async function* blocks() {
      for (let start = 0; start < rows; start += step) yield await tensor.readRows(start, Math.min(rows, start + step));
    }
    return await this.#graph.weight(name, [rows, hidden], blocks());
  }

  /** One vector for each text, as the model's pooling makes it of its tokens. */
  pool(tokens: string): string {
    const graph = this.#graph;
    if (this.#shape.pooling === "cls") return graph.add("Gather", [tokens, graph.integer(0)], { axis: { int: 1 } });
    const shares = graph.add("Div", [this.#floats, graph.add("ReduceSum", [this.#floats, graph.integers(1)])]);
    const weighted = graph.add("Mul", [tokens, graph.add("Unsqueeze", [shares, graph.integers(2)])]);
    return graph.add("ReduceSum", [weighted, graph.integers(1)], { keepdims: { int: 0 } });
  }

  /** Applies the model's dense layer to pooled vectors. */
  async widen(pooled: string, module: EncoderWeights): Promise<string> {
    const graph = this.#graph;
    const { hidden, dimensions } = this.#shape;
    const matrix = await module.tensor("linear.weight", [hidden, dimensions]).readRows(0, hidden);
    const bias = await module.tensor("linear.bias", [dimensions]).readRows(0, dimensions);
    const product = graph.add("MatMul", [pooled, await graph.weight("linear.weight", [hidden, dimensions], matrix)]);
    const sum = graph.add("Add", [product, await graph.weight("linear.bias", [dimensions], bias)]);
    return this.#shape.dense?.activation === "tanh" ? graph.add("Tanh", [sum]) : sum;
  }
}
