import { type ElementType, encodeModel, node, tensor, valueInfo } from "@reembed/model-builder/model-writer";

export interface TokenGraphOptions {
  inputs?: readonly string[];
  output?: string;
  elementType?: ElementType;
  /** The token whose vector is NaN. */
  nanId?: number;
  /** If set, a text has as many tokens as differ from this one, whatever the mask says, as XLM-RoBERTa counts positions. */
  padId?: number;
}

export const tokenDimensions = 4;
const frequencies = Float32Array.from({ length: tokenDimensions }, (_, index) => (index + 1) / 1024);

/**
 * The bytes of a graph in the form that exporters write: it returns token vectors [batch, sequence, 4], which still have
 * to be pooled. The vector of a token depends on its id, on the number of tokens of its text and, if it has that input, on
 * its token type. The padding's vector is far from the others.
 */
export function encodeTokenGraph({
  inputs = ["input_ids", "attention_mask"],
  output = "last_hidden_state",
  elementType = "float32",
  nanId = -1,
  padId,
}: TokenGraphOptions = {}): Uint8Array {
  const counted = padId === undefined ? "attention_mask" : "not_padding";
  const types = inputs.includes("token_type_ids") ? "token_type_ids" : "no_types";
  return encodeModel({
    name: "token-vectors",
    inputs: inputs.map((name) => valueInfo(name, "int64", ["batch", "sequence"])),
    outputs: [valueInfo(output, elementType, ["batch", "sequence", tokenDimensions])],
    initializers: [
      tensor("frequencies", [tokenDimensions], frequencies),
      tensor("sixteenth", [], new Float32Array([1 / 16])),
      tensor("nan_id", [], new Float32Array([nanId])),
      tensor("pad_id", [], new BigInt64Array([BigInt(padId ?? -1)])),
      tensor("no_types", [1, 1], new BigInt64Array([0n])),
      tensor("sequence_axis", [1], new BigInt64Array([1n])),
      tensor("last_axis", [1], new BigInt64Array([2n])),
    ],
    nodes: [
      node("Cast", ["input_ids"], ["ids"], { to: { elementType: "float32" } }),
      node("Equal", ["input_ids", "pad_id"], ["padding"]),
      node("Not", ["padding"], ["not_padding"]),
      node("Cast", [counted], ["mask"], { to: { elementType: "float32" } }),
      node("Cast", [types], ["types"], { to: { elementType: "float32" } }),
      node("ReduceSum", ["mask", "sequence_axis"], ["counts"]),
      node("Mul", ["counts", "sixteenth"], ["text_phases"]),
      node("Add", ["text_phases", "types"], ["phases"]),
      node("Unsqueeze", ["phases", "last_axis"], ["phase_rows"]),
      node("Unsqueeze", ["ids", "last_axis"], ["id_rows"]),
      node("Mul", ["id_rows", "frequencies"], ["id_angles"]),
      node("Add", ["id_angles", "phase_rows"], ["angles"]),
      node("Cos", ["angles"], ["cosines"]),
      node("Sub", ["id_rows", "nan_id"], ["distance"]),
      node("Div", ["distance", "distance"], ["one_or_nan"]),
      node("Mul", ["cosines", "one_or_nan"], ["token_vectors"]),
      node("Cast", ["token_vectors"], [output], { to: { elementType } }),
    ],
  });
}

/** The vector of a token of type 0 in a text with `tokens` tokens. */
export function tokenVector(id: number, tokens: number): number[] {
  return Array.from(frequencies, (frequency) => Math.cos(id * frequency + tokens / 16));
}
