import { encodeModel, node, tensor, valueInfo } from "@reembed/embedder/model-writer";
import { randomIntegers, randomSigns } from "./random.ts";
import type { TokenTable } from "./token-table.ts";

export interface LexicalGraph {
  name: string;
  inputs: readonly string[];
  table: TokenTable;
  /** Of the embedding. A power of two, unless it is the width of the table. */
  dimensions: number;
  /** Cosine similarity of two texts that share nothing. */
  floor: number;
}

// Far shorter than a word. A text without known words has this direction, so its length is not zero.
const blankLength = 0.1;

/**
 * The bytes of a graph that sums the weighted rows of a text's tokens, normalises the sum and adds the component that
 * all texts share. Trained models have one too: it lifts similarities into the range that search thresholds are for.
 */
export function encodeLexicalGraph({ name, inputs, table, dimensions, floor }: LexicalGraph): Uint8Array {
  const { tokens, width } = table;
  const widens = dimensions !== width;
  const sum = widens ? "narrow_embedding" : "sentence_embedding";
  const spread = widens ? 1 / Math.sqrt(dimensions) : 1;
  return encodeModel({
    name,
    inputs: inputs.map((input) => valueInfo(input, "int64", ["batch", "sequence"])),
    outputs: [valueInfo("sentence_embedding", "float32", ["batch", dimensions])],
    initializers: [
      tensor("token_rows", [tokens, width], table.rows),
      tensor("token_weights", [tokens], table.weights),
      tensor("blank", [width], blank(width)),
      tensor("own_share", [], new Float32Array([Math.sqrt(1 - floor) * spread])),
      tensor("common", [width], common(width, Math.sqrt(floor) * spread)),
      tensor("row_axis", [1], new BigInt64Array([1n])),
      ...(widens ? [tensor("widening", [width, dimensions], orthogonalSigns(width, dimensions))] : []),
    ],
    nodes: [
      node("Gather", ["token_rows", "input_ids"], ["int8_rows"]),
      node("Cast", ["int8_rows"], ["rows"], { to: { elementType: "float32" } }),
      node("Gather", ["token_weights", "input_ids"], ["unmasked_weights"]),
      node("Cast", ["attention_mask"], ["mask"], { to: { elementType: "float32" } }),
      node("Mul", ["unmasked_weights", "mask"], ["weights"]),
      node("Unsqueeze", ["weights", "row_axis"], ["weight_rows"]),
      node("MatMul", ["weight_rows", "rows"], ["sum_rows"]),
      node("Squeeze", ["sum_rows", "row_axis"], ["token_sum"]),
      node("Add", ["token_sum", "blank"], ["text_sum"]),
      node("ReduceL2", ["text_sum"], ["text_length"], { axes: { ints: [1] } }),
      node("Div", ["text_sum", "text_length"], ["own"]),
      node("Mul", ["own", "own_share"], ["own_component"]),
      node("Add", ["own_component", "common"], [sum]),
      ...(widens
        ? [
            node("Cast", ["widening"], ["widening_weight"], { to: { elementType: "float32" } }),
            node("MatMul", [sum, "widening_weight"], ["sentence_embedding"]),
          ]
        : []),
    ],
  });
}

function blank(width: number): Float32Array {
  const signs = randomSigns("", width - 1);
  return Float32Array.from([...signs, 0], (sign) => (sign * blankLength) / Math.sqrt(width - 1));
}

function common(width: number, length: number): Float32Array {
  const vector = new Float32Array(width);
  vector[width - 1] = length;
  return vector;
}

/** Rows of Sylvester's Hadamard matrix drawn at random: they keep every angle, and ±1 is exact in int8. */
function orthogonalSigns(width: number, dimensions: number): Int8Array {
  const rows = shuffled(dimensions).slice(0, width);
  return Int8Array.from({ length: width * dimensions }, (_, index) => {
    const row = rows[Math.floor(index / dimensions)] ?? 0;
    return oddBits(row & (index % dimensions)) ? -1 : 1;
  });
}

function shuffled(length: number): number[] {
  const next = randomIntegers(length);
  const order = new Map(Array.from({ length }, (_, index) => [index, next()]));
  return [...order.keys()].sort((a, b) => (order.get(a) ?? 0) - (order.get(b) ?? 0));
}

function oddBits(bits: number): boolean {
  let odd = false;
  for (let rest = bits; rest > 0; rest &= rest - 1) odd = !odd;
  return odd;
}
