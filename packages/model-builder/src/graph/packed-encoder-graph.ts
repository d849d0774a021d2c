import type { EncoderWeights } from "../weights/encoder-weights.ts";
import { floatArithmetic, toElements } from "./arithmetic/float.ts";
import type { EncoderShape } from "./encoder-shape.ts";
import { GraphBuilder } from "./graph-builder.ts";
import { positionTable } from "./position-table.ts";
import { addProduct } from "./smoothing.ts";
import { addTextVector } from "./text-vector.ts";

export interface PackedEncoderOptions {
  /** Path of the .onnx file; the weights are written to `<path>.data`. */
  path: string;
  shape: EncoderShape;
  weights: EncoderWeights;
  /** Weights of the dense layer that changes the vector's dimensions, if the shape has one. */
  dense?: EncoderWeights | undefined;
  elementType: "float32" | "float16";
}

/**
 * Writes an encoder whose attention does not depend on distances for CUDA, where texts of any lengths share a run without padding: their tokens are
 * concatenated, [tokens], and attention gets the start of each text (flash attention over variable lengths). ONNX Runtime
 * has this operator for CUDA only. The other operators are fused ones, which save a GPU from reading and writing the
 * values of all tokens once more.
 *
 * Inputs, in int32: `input_ids` and `position_ids` [tokens], `token_offset` [texts, longest], `cumulative_sequence_length`
 * [texts + 1]. Output: `sentence_embedding`, vectors of length 1 in float32, [texts, dimensions].
 * @throws ReembedError of `EncoderWeights.tensor`.
 */
export async function writePackedEncoder(options: PackedEncoderOptions): Promise<void> {
  await using graph = await GraphBuilder.create(options.path);
  await new PackedEncoderGraph(graph, options).write();
  await graph.finish();
}

class PackedEncoderGraph {
  readonly #graph: GraphBuilder;
  readonly #options: PackedEncoderOptions;
  readonly #shape: EncoderShape;
  readonly #ids: string;
  readonly #positions: string;
  readonly #offsets: string;
  readonly #bounds: string;

  constructor(graph: GraphBuilder, options: PackedEncoderOptions) {
    this.#graph = graph;
    this.#options = options;
    this.#shape = options.shape;
    this.#ids = graph.input("input_ids", "int32", ["tokens"]);
    this.#positions = graph.input("position_ids", "int32", ["tokens"]);
    this.#offsets = graph.input("token_offset", "int32", ["texts", "longest"]);
    this.#bounds = graph.input("cumulative_sequence_length", "int32", ["bounds"]);
  }

  async write(): Promise<void> {
    const { layers, pooling } = this.#shape;
    let tokens = await this.#embeddings();
    for (let layer = 0; layer < layers; layer++) {
      tokens = await this.#layer(`encoder.layer.${layer}`, tokens, layer === layers - 1 && pooling === "cls");
    }
    await addTextVector(this.#graph, pooling === "cls" ? tokens : this.#mean(tokens), this.#options);
  }

  async #embeddings(): Promise<string> {
    const { vocabulary, hidden } = this.#shape;
    const { weights, elementType } = this.#options;
    const { lookup } = floatArithmetic(elementType);
    const name = "embeddings.word_embeddings.weight";
    const tensor = weights.tensor(name, [vocabulary, hidden]);
    const read = (start: number, end: number) => tensor.readRows(start, end);
    const table = { name, rows: vocabulary, columns: hidden, read };
    const words = await lookup(this.#graph, table, this.#ids);
    const positions = await lookup(this.#graph, await positionTable(weights, this.#shape), this.#positions);
    return await this.#residual(words, positions, "embeddings.LayerNorm");
  }

  /** With `onlyFirst`, computes only each text's first token after attention: CLS pooling needs no other from the last layer. */
  async #layer(name: string, tokens: string, onlyFirst: boolean): Promise<string> {
    const { hidden, intermediate, heads } = this.#shape;
    const graph = this.#graph;
    const self = `${name}.attention.self`;
    const query = graph.add("Add", [
      await this.#product(tokens, `${self}.query`, hidden, hidden),
      await this.#parameter(`${self}.query.bias`, hidden),
    ]);
    // The key has no bias: it would add the same to all scores of a query, and softmax cancels that.
    const key = await this.#product(tokens, `${self}.key`, hidden, hidden);
    const value = await this.#product(tokens, `${self}.value`, hidden, hidden);
    const inputs = [query, key, value, "", this.#offsets, this.#bounds];
    let context = graph.add("com.microsoft.PackedMultiHeadAttention", inputs, { num_heads: { int: heads } });
    let skip = tokens;
    if (onlyFirst) [context, skip] = [this.#first(context), this.#first(tokens)];
    const attended = await this.#residual(
      await this.#product(context, `${name}.attention.output.dense`, hidden, hidden),
      skip,
      `${name}.attention.output.LayerNorm`,
      await this.#outputBias(name),
    );
    const middle = await this.#product(attended, `${name}.intermediate.dense`, hidden, intermediate);
    const bias = await this.#parameter(`${name}.intermediate.dense.bias`, intermediate);
    const active = graph.add("com.microsoft.BiasGelu", [middle, bias]);
    return await this.#residual(
      await this.#product(active, `${name}.output.dense`, intermediate, hidden),
      attended,
      `${name}.output.LayerNorm`,
      await this.#parameter(`${name}.output.dense.bias`, hidden),
    );
  }

  /** The bias of the output layer, with the value's bias in it: the weights of attention add up to 1, so it passes unchanged. */
  async #outputBias(name: string): Promise<string> {
    const { hidden } = this.#shape;
    const dense = `${name}.attention.output.dense`;
    const weight = await this.#read(`${dense}.weight`, [hidden, hidden]);
    const bias = await this.#read(`${dense}.bias`, [hidden]);
    const values = await this.#read(`${name}.attention.self.value.bias`, [hidden]);
    return await this.#write(`${dense}.bias`, [hidden], addProduct(bias, values, weight));
  }

  /** LayerNorm(values + bias + skip). */
  async #residual(values: string, skip: string, name: string, bias?: string): Promise<string> {
    const { hidden, layerNormEpsilon } = this.#shape;
    const norm = [await this.#parameter(`${name}.weight`, hidden), await this.#parameter(`${name}.bias`, hidden)];
    const inputs = [values, skip, ...norm, ...(bias === undefined ? [] : [bias])];
    return this.#graph.add("com.microsoft.SkipLayerNormalization", inputs, { epsilon: { float: layerNormEpsilon } });
  }

  /** The rows of the first token of each text. */
  #first(tokens: string): string {
    return this.#graph.add("Gather", [tokens, this.#starts()]);
  }

  #starts(): string {
    const graph = this.#graph;
    return graph.add("Slice", [this.#bounds, graph.integers(0), graph.integers(-1), graph.integers(0)]);
  }

  /** The mean of each text's tokens: a product with a matrix [texts, tokens] whose rows average over one text. */
  #mean(tokens: string): string {
    const graph = this.#graph;
    const { elementType } = this.#options;
    const ends = graph.add("Slice", [this.#bounds, ...[1, Number.MAX_SAFE_INTEGER, 0].map((at) => graph.integers(at))]);
    const column = (bounds: string) => graph.add("Unsqueeze", [bounds, graph.integers(1)]);
    const starts = this.#starts();
    const count = graph.add("Squeeze", [graph.add("Shape", [this.#ids])]);
    const range = graph.add("Range", [graph.integer(0), count, graph.integer(1)]);
    const places = graph.add("Cast", [range], { to: { elementType: "int32" } });
    const before = graph.add("Less", [places, column(ends)]);
    const inside = graph.add("And", [before, graph.add("GreaterOrEqual", [places, column(starts)])]);
    const floats = (values: string) => graph.add("Cast", [values], { to: { elementType: "float32" } });
    const shares = graph.add("Div", [floats(inside), floats(column(graph.add("Sub", [ends, starts])))]);
    return graph.add("MatMul", [graph.add("Cast", [shares], { to: { elementType } }), tokens]);
  }

  async #product(values: string, name: string, inputs: number, outputs: number): Promise<string> {
    const weight = await this.#read(`${name}.weight`, [inputs, outputs]);
    return this.#graph.add("MatMul", [values, await this.#write(`${name}.weight`, [inputs, outputs], weight)]);
  }

  async #parameter(name: string, size: number): Promise<string> {
    return await this.#write(name, [size], await this.#read(name, [size]));
  }

  async #read(name: string, dims: readonly number[]): Promise<Float32Array> {
    return await this.#options.weights.tensor(name, dims).readRows(0, dims[0] ?? 0);
  }

  async #write(name: string, dims: readonly number[], values: Float32Array): Promise<string> {
    return await this.#graph.weight(name, dims, toElements(values, this.#options.elementType));
  }
}
