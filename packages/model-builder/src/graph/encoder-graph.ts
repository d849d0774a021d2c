import type { EncoderWeights } from "../weights/encoder-weights.ts";
import type { Arithmetic, Operand, Table } from "./arithmetic/arithmetic.ts";
import { toElements } from "./arithmetic/float.ts";
import { distanceTable } from "./distances.ts";
import type { EncoderShape } from "./encoder-shape.ts";
import { GraphBuilder } from "./graph-builder.ts";
import { positionTable } from "./position-table.ts";
import { addProduct, divideColumns, type Smoothing, scaleRows } from "./smoothing.ts";
import { addTextVector } from "./text-vector.ts";

export interface EncoderGraphOptions {
  /** Path of the .onnx file; the weights are written to `<path>.data`. */
  path: string;
  shape: EncoderShape;
  weights: EncoderWeights;
  /** Weights of the dense layer that changes the vector's dimensions, if the shape has one. */
  dense?: EncoderWeights | undefined;
  arithmetic: Arithmetic;
  /** Whether the graph has an input `attention_mask`, so that texts of different lengths can share a run. */
  masked: boolean;
  smoothing?: Smoothing | undefined;
  /** Whether the graph has an output per place that can be smoothed, with the largest absolute value of each input. */
  observed?: boolean | undefined;
}

/** Prefix of the outputs of an observed graph; the name of the place follows. */
export const observedPrefix = "observed.";

/**
 * Writes an encoder as an ONNX file. Input: token ids, [texts, sequence]. Output: vectors of length 1,
 * [texts, dimensions]. It uses plain operators where ONNX Runtime also has fused ones, which are slower on a CPU
 * (SkipLayerNormalization 5.5 ns per value, Add and LayerNormalization 0.9; BiasGelu 1.1, Gelu 0.4). For a GPU, ONNX
 * Runtime fuses them itself.
 * @throws ReembedError of `EncoderWeights.tensor`.
 */
export async function writeEncoder(options: EncoderGraphOptions): Promise<void> {
  await using graph = await GraphBuilder.create(options.path);
  await new EncoderGraph(graph, options).write();
  await graph.finish();
}

class EncoderGraph {
  readonly #graph: GraphBuilder;
  readonly #options: EncoderGraphOptions;
  readonly #shape: EncoderShape;
  readonly #arithmetic: Arithmetic;
  readonly #ids: string;
  readonly #mask: string | undefined;
  /** What attention adds to the scores of the first token of a text, and of all of its tokens. */
  #terms: { first: string; all: string } | undefined;

  constructor(graph: GraphBuilder, options: EncoderGraphOptions) {
    this.#graph = graph;
    this.#options = options;
    this.#shape = options.shape;
    this.#arithmetic = options.arithmetic;
    this.#ids = graph.input("input_ids", "int64", ["texts", "sequence"]);
    this.#mask = options.masked ? graph.input("attention_mask", "int64", ["texts", "sequence"]) : undefined;
  }

  async write(): Promise<void> {
    const { layers, pooling } = this.#shape;
    let tokens = await this.#embeddings();
    this.#terms = await this.#scoreTerms();
    for (let layer = 0; layer < layers; layer++) {
      tokens = await this.#layer(`encoder.layer.${layer}`, tokens, layer === layers - 1 && pooling === "cls");
    }
    const { elementType } = this.#arithmetic;
    await addTextVector(this.#graph, this.#pool(tokens), { ...this.#options, elementType });
  }

  async #embeddings(): Promise<string> {
    const table = this.#table("embeddings.word_embeddings.weight", this.#shape.vocabulary);
    const words = await this.#arithmetic.lookup(this.#graph, table, this.#ids);
    return await this.#norm(this.#graph.add("Add", [words, await this.#positions()]), "embeddings.LayerNorm");
  }

  /** Looks up the rows of the position table: [sequence, hidden]. */
  async #positions(): Promise<string> {
    const table = await positionTable(this.#options.weights, this.#shape);
    return await this.#arithmetic.lookup(this.#graph, table, this.#places());
  }

  /** 0, 1, 2, … up to the length of the texts. */
  #places(): string {
    const graph = this.#graph;
    const length = graph.add("Squeeze", [graph.add("Shape", [this.#ids], { start: { int: 1 }, end: { int: 2 } })]);
    return graph.add("Range", [graph.integer(0), length, graph.integer(1)]);
  }

  /** With `onlyFirst`, computes only the first token: CLS pooling needs no other from the last layer. */
  async #layer(name: string, tokens: string, onlyFirst: boolean): Promise<string> {
    const { hidden, intermediate, heads } = this.#shape;
    const graph = this.#graph;
    const attention = `${name}.attention.self`;
    this.#observe(tokens, attention);
    const input = this.#smoothed(tokens, attention);
    const first = onlyFirst ? graph.add("Slice", [tokens, ...[0, 1, 1].map((index) => graph.integers(index))]) : tokens;
    const projections = [
      await this.#linear(onlyFirst ? this.#smoothed(first, attention) : input, `${attention}.query`, hidden, hidden),
      await this.#linear(input, `${attention}.key`, hidden, hidden),
      await this.#linear(input, `${attention}.value`, hidden, hidden),
    ];
    const inputs = [...projections, ...this.#termsOf(onlyFirst)];
    const context = graph.add("com.microsoft.MultiHeadAttention", inputs, { num_heads: { int: heads } });
    this.#observe(context, `${name}.attention.output`);
    const attended = await this.#residual(
      this.#operand(context, "any", hidden),
      first,
      `${name}.attention.output`,
      hidden,
    );
    this.#observe(attended, `${name}.intermediate`);
    const middle = this.#smoothed(attended, `${name}.intermediate`);
    const active = graph.add("com.microsoft.Gelu", [
      await this.#linear(middle, `${name}.intermediate.dense`, hidden, intermediate),
    ]);
    return await this.#residual(this.#operand(active, "gelu", intermediate), attended, `${name}.output`, intermediate);
  }

  /**
   * Further inputs of attention: a term that is added to the scores, [texts, heads, queries, keys]. For padding the usual
   * input, a mask of the keys, is not used because WebGPU does not support it.
   */
  #termsOf(onlyFirst: boolean): string[] {
    if (this.#terms === undefined) return [];
    return ["", "", onlyFirst ? this.#terms.first : this.#terms.all];
  }

  async #scoreTerms(): Promise<{ first: string; all: string } | undefined> {
    const hiding = this.#mask === undefined ? undefined : this.#hidePadding(this.#mask);
    if (this.#shape.distances === 0) return hiding;
    const graph = this.#graph;
    const distances = await this.#distances();
    const all = hiding === undefined ? distances : graph.add("Add", [distances, hiding.all]);
    return { first: graph.add("Slice", [all, ...[0, 1, 2].map((index) => graph.integers(index))]), all };
  }

  #hidePadding(input: string): { first: string; all: string } {
    const graph = this.#graph;
    const mask = graph.add("Cast", [input], { to: { elementType: "float32" } });
    const distance = graph.add("Mul", [graph.add("Sub", [mask, graph.scalar(1)]), graph.scalar(1e4)]);
    const elements = { to: { elementType: this.#arithmetic.elementType } };
    const axes = graph.constant(new BigInt64Array([1n, 2n]), [2]);
    const first = graph.add("Unsqueeze", [graph.add("Cast", [distance], elements), axes]);
    const length = graph.add("Shape", [input], { start: { int: 1 }, end: { int: 2 } });
    const dims = [graph.integers(1), graph.integers(1), length, graph.integers(1)];
    return { first, all: graph.add("Expand", [first, graph.add("Concat", dims, { axis: { int: 0 } })]) };
  }

  /** What the distance of two tokens adds to their score: [1, heads, queries, keys]. */
  async #distances(): Promise<string> {
    const graph = this.#graph;
    const { heads, positions } = this.#shape;
    const data = toElements(await distanceTable(this.#options.weights, this.#shape), this.#arithmetic.elementType);
    const table = await graph.weight("distances", [heads, 2 * positions - 1], data);
    const places = this.#places();
    const [row, column] = [0, 1].map((axis) => graph.add("Unsqueeze", [places, graph.integers(axis)]));
    const columns = graph.add("Add", [graph.add("Sub", [row ?? "", column ?? ""]), graph.integer(positions - 1)]);
    return graph.add("Unsqueeze", [graph.add("Gather", [table, columns], { axis: { int: 1 } }), graph.integers(0)]);
  }

  /** LayerNorm(operand · W + b + skip). */
  async #residual(operand: Operand, skip: string, name: string, inputs: number): Promise<string> {
    const product = await this.#linear(operand, `${name}.dense`, inputs, this.#shape.hidden);
    return await this.#norm(this.#graph.add("Add", [product, skip]), `${name}.LayerNorm`);
  }

  #operand(values: string, range: "any" | "gelu", width: number): Operand {
    return this.#arithmetic.operand(this.#graph, values, range, width);
  }

  /** The input of the linear layers at a place, divided by the factors of the calibration if there are any. */
  #smoothed(values: string, place: string): Operand {
    const factors = this.#options.smoothing?.get(place);
    if (factors === undefined) return this.#operand(values, "any", this.#shape.hidden);
    const inverse = this.#graph.constant(
      factors.map((factor) => 1 / factor),
      [factors.length],
    );
    return this.#operand(this.#graph.add("Mul", [values, inverse]), "any", factors.length);
  }

  #observe(values: string, place: string): void {
    if (!this.#options.observed) return;
    const sizes = this.#graph.add("ReduceMax", [this.#graph.add("Abs", [values])], {
      axes: { ints: [0, 1] },
      keepdims: { int: 0 },
    });
    this.#graph.output(sizes, `${observedPrefix}${place}`, "float32", [this.#shape.hidden]);
  }

  async #linear(operand: Operand, name: string, inputs: number, outputs: number): Promise<string> {
    const weight = await this.#read(`${name}.weight`, [inputs, outputs]);
    const bias = await this.#bias(name, weight, outputs);
    const own = this.#options.smoothing?.get(name.replace(/\.(query|key|value|dense)$/, ""));
    if (own !== undefined) scaleRows(weight, outputs, own);
    // Attention mixes tokens but not the values within a token, so the factors of its output can go into these weights.
    const next = this.#options.smoothing?.get(name.replace(/self\.value$/, "output"));
    if (name.endsWith("self.value") && next !== undefined) divideColumns(weight, next);
    return await this.#arithmetic.product(this.#graph, operand, { name, inputs, outputs, weight, bias });
  }

  /**
   * The bias that a layer needs, exactly. The key's bias adds the same to all scores of a query, and softmax cancels that.
   * The value's bias passes through attention unchanged, because the weights of a query add up to 1: multiplied by the
   * weights of the output layer, it becomes a part of that layer's bias.
   */
  async #bias(name: string, weight: Float32Array, outputs: number): Promise<Float32Array | undefined> {
    if (/self\.(key|value)$/.test(name)) return undefined;
    const bias = await this.#read(`${name}.bias`, [outputs]);
    if (!name.endsWith("attention.output.dense")) return bias;
    const value = await this.#read(name.replace(/output\.dense$/, "self.value.bias"), [outputs]);
    return addProduct(bias, value, weight);
  }

  #pool(tokens: string): string {
    const graph = this.#graph;
    if (this.#shape.pooling === "cls") {
      const first = graph.add("Slice", [tokens, ...[0, 1, 1].map((index) => graph.integers(index))]);
      return graph.add("Squeeze", [first, graph.integers(1)]);
    }
    if (this.#mask === undefined) {
      return graph.add("ReduceMean", [tokens], { axes: { ints: [1] }, keepdims: { int: 0 } });
    }
    // The mask is divided before the sum: in float16 a sum over 8,192 tokens overflows when their values are 8.
    const mask = graph.add("Cast", [this.#mask], { to: { elementType: "float32" } });
    const shares = graph.add("Div", [mask, graph.add("ReduceSum", [mask, graph.integers(1)])]);
    const { elementType } = this.#arithmetic;
    const row = graph.add("Unsqueeze", [graph.add("Cast", [shares], { to: { elementType } }), graph.integers(1)]);
    return graph.add("Squeeze", [graph.add("MatMul", [row, tokens]), graph.integers(1)]);
  }

  async #norm(values: string, name: string): Promise<string> {
    const { hidden, layerNormEpsilon } = this.#shape;
    const parameters: string[] = [];
    for (const part of ["weight", "bias"]) {
      const data = toElements(await this.#read(`${name}.${part}`, [hidden]), this.#arithmetic.elementType);
      parameters.push(await this.#graph.weight(`${name}.${part}`, [hidden], data));
    }
    return this.#graph.add("LayerNormalization", [values, ...parameters], { epsilon: { float: layerNormEpsilon } });
  }

  async #read(name: string, dims: readonly number[]): Promise<Float32Array> {
    return await this.#options.weights.tensor(name, dims).readRows(0, dims[0] ?? 0);
  }

  #table(name: string, rows: number): Table {
    const columns = this.#shape.hidden;
    const tensor = this.#options.weights.tensor(name, [rows, columns]);
    return { name, rows, columns, read: (start, end) => tensor.readRows(start, end) };
  }
}
