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
  const { hidden, heads, intermediate, layers } = shape;
  const size = hidden / heads;
  const ids = graph.input("input_ids", "int64", ["texts", "sequence"]);
  const mask = graph.input("attention_mask", "int64", ["texts", "sequence"]);
  const floats = graph.add("Cast", [mask], { to: { elementType: "float32" } });
  const hiding = graph.add("Unsqueeze", [
    graph.add("Mul", [graph.add("Sub", [graph.scalar(1), floats]), graph.scalar(-1e9)]),
    graph.constant(new BigInt64Array([1n, 2n]), [2]),
  ]);

  let tokens = await norm(await embeddings(), "embeddings.LayerNorm");
  for (let layer = 0; layer < layers; layer++) {
    const name = `encoder.layer.${layer}`;
    const context = await attention(`${name}.attention.self`);
    const attended = await linear(context, `${name}.attention.output.dense`, hidden, hidden);
    tokens = await norm(graph.add("Add", [attended, tokens]), `${name}.attention.output.LayerNorm`);
    const wide = gelu(await linear(tokens, `${name}.intermediate.dense`, hidden, intermediate));
    const narrow = await linear(wide, `${name}.output.dense`, intermediate, hidden);
    tokens = await norm(graph.add("Add", [narrow, tokens]), `${name}.output.LayerNorm`);
  }
  if (dense === undefined) {
    graph.output(tokens, "last_hidden_state", "float32", ["texts", "sequence", hidden]);
  } else {
    graph.output(await widen(pool(), dense), "sentence_embedding", "float32", ["texts", shape.dimensions]);
  }
  await graph.finish();

  /** Positions are counted from the mask, as XLM-RoBERTa does. */
  async function embeddings(): Promise<string> {
    const words = graph.add("Gather", [await table("word_embeddings", shape.vocabulary), ids]);
    const places = graph.add("Mul", [graph.add("CumSum", [mask, graph.integer(1)]), mask]);
    const positions = graph.add("Add", [places, graph.integer(shape.positionOffset - 1)]);
    const rows = await table("position_embeddings", shape.positions + shape.positionOffset);
    const types = graph.add("Gather", [await table("token_type_embeddings", shape.tokenTypes), graph.integer(0)]);
    const typed = graph.add("Add", [words, types]);
    return graph.add("Add", [typed, graph.add("Gather", [rows, graph.add("Max", [positions, graph.integer(0)])])]);
  }

  async function attention(name: string): Promise<string> {
    const [query = "", key = "", value = ""] = await Array.fromAsync(["query", "key", "value"], async (part) =>
      split(await linear(tokens, `${name}.${part}`, hidden, hidden), part === "key" ? [0, 2, 3, 1] : [0, 2, 1, 3]),
    );
    const scores = graph.add("Div", [graph.add("MatMul", [query, key]), graph.scalar(Math.sqrt(size))]);
    const shares = graph.add("Softmax", [graph.add("Add", [scores, hiding])], { axis: { int: -1 } });
    const mixed = graph.add("Transpose", [graph.add("MatMul", [shares, value])], { perm: { ints: [0, 2, 1, 3] } });
    return graph.add("Reshape", [mixed, graph.constant(new BigInt64Array([0n, 0n, BigInt(hidden)]), [3])]);
  }

  function split(values: string, perm: number[]): string {
    const dims = graph.constant(new BigInt64Array([0n, 0n, BigInt(heads), BigInt(size)]), [4]);
    return graph.add("Transpose", [graph.add("Reshape", [values, dims])], { perm: { ints: perm } });
  }

  function gelu(values: string): string {
    const erf = graph.add("Erf", [graph.add("Div", [values, graph.scalar(Math.SQRT2)])]);
    const product = graph.add("Mul", [values, graph.add("Add", [erf, graph.scalar(1)])]);
    return graph.add("Mul", [product, graph.scalar(0.5)]);
  }

  async function norm(values: string, name: string): Promise<string> {
    const mean = { axes: { ints: [-1] } };
    const centred = graph.add("Sub", [values, graph.add("ReduceMean", [values], mean)]);
    const variance = graph.add("ReduceMean", [graph.add("Pow", [centred, graph.scalar(2)])], mean);
    const deviation = graph.add("Sqrt", [graph.add("Add", [variance, graph.scalar(shape.layerNormEpsilon)])]);
    const scaled = graph.add("Mul", [graph.add("Div", [centred, deviation]), await vector(`${name}.weight`, hidden)]);
    return graph.add("Add", [scaled, await vector(`${name}.bias`, hidden)]);
  }

  async function linear(values: string, name: string, inputs: number, outputs: number): Promise<string> {
    const matrix = await weights.tensor(`${name}.weight`, [inputs, outputs]).readRows(0, inputs);
    const product = graph.add("MatMul", [values, await graph.weight(`${name}.weight`, [inputs, outputs], matrix)]);
    return graph.add("Add", [await vector(`${name}.bias`, outputs), product]);
  }

  async function vector(name: string, length: number): Promise<string> {
    return await graph.weight(name, [length], await weights.tensor(name, [length]).readRows(0, length));
  }

  async function table(part: string, rows: number): Promise<string> {
    const name = `embeddings.${part}.weight`;
    const tensor = weights.tensor(name, [rows, hidden]);
    const step = 4_096;
    async function* blocks() {
      for (let start = 0; start < rows; start += step) yield await tensor.readRows(start, Math.min(rows, start + step));
    }
    return await graph.weight(name, [rows, hidden], blocks());
  }

  function pool(): string {
    if (shape.pooling === "cls") return graph.add("Gather", [tokens, graph.integer(0)], { axis: { int: 1 } });
    const shares = graph.add("Div", [floats, graph.add("ReduceSum", [floats, graph.integers(1)])]);
    const weighted = graph.add("Mul", [tokens, graph.add("Unsqueeze", [shares, graph.integers(2)])]);
    return graph.add("ReduceSum", [weighted, graph.integers(1)], { keepdims: { int: 0 } });
  }

  async function widen(pooled: string, module: EncoderWeights): Promise<string> {
    const { dimensions } = shape;
    const matrix = await module.tensor("linear.weight", [hidden, dimensions]).readRows(0, hidden);
    const bias = await module.tensor("linear.bias", [dimensions]).readRows(0, dimensions);
    const product = graph.add("MatMul", [pooled, await graph.weight("linear.weight", [hidden, dimensions], matrix)]);
    const sum = graph.add("Add", [product, await graph.weight("linear.bias", [dimensions], bias)]);
    return shape.dense?.activation === "tanh" ? graph.add("Tanh", [sum]) : sum;
  }
}
