import { Tensor } from "onnxruntime-node";
import type { InferenceRequest } from "./inference-messages.ts";

type TokenizedTexts = Pick<InferenceRequest, "ids" | "lengths">;

/** The inputs that a graph for padded texts may have: [texts, longest], in int64. */
export const paddedInputs: readonly string[] = ["input_ids", "attention_mask", "token_type_ids", "position_ids"];
/** The inputs of a graph for packed texts: see `writePackedEncoder`. */
export const packedInputs: readonly string[] = [
  "input_ids",
  "position_ids",
  "token_offset",
  "cumulative_sequence_length",
];

/** Pads each text to the longest one; the mask excludes the padding. The first token has the position `firstPosition`. */
export function padTexts(
  { ids, lengths }: TokenizedTexts,
  { padId, firstPosition = 0 }: { padId: number; firstPosition?: number },
): Record<string, Tensor> {
  const longest = Math.max(...lengths);
  const dims = [lengths.length, longest];
  const padded = new BigInt64Array(lengths.length * longest).fill(BigInt(padId));
  const mask = new BigInt64Array(padded.length);
  const positions = BigInt64Array.from(padded, (_, place) => BigInt(firstPosition + (place % longest)));
  let token = 0;
  for (const [row, length] of lengths.entries()) {
    const start = row * longest;
    mask.fill(1n, start, start + length);
    for (let place = start; place < start + length; place++) padded[place] = BigInt(ids[token++] ?? 0);
  }
  return {
    input_ids: new Tensor("int64", padded, dims),
    attention_mask: new Tensor("int64", mask, dims),
    token_type_ids: new Tensor("int64", new BigInt64Array(padded.length), dims),
    position_ids: new Tensor("int64", positions, dims),
  };
}

/**
 * Concatenates the tokens of the texts. `token_offset` has the place of each token among padded ones, [texts, longest],
 * followed by the places of the padding; `cumulative_sequence_length` has the start of each text and the end of the last.
 */
export function packTexts({ ids, lengths }: TokenizedTexts): Record<string, Tensor> {
  const texts = lengths.length;
  const longest = Math.max(...lengths);
  const positions = new Int32Array(ids.length);
  const offsets = new Int32Array(texts * longest);
  const bounds = new Int32Array(texts + 1);
  let token = 0;
  let padding = ids.length;
  for (const [row, length] of lengths.entries()) {
    for (let place = 0; place < length; place++) {
      positions[token] = place;
      offsets[token++] = row * longest + place;
    }
    for (let place = length; place < longest; place++) offsets[padding++] = row * longest + place;
    bounds[row + 1] = token;
  }
  return {
    input_ids: new Tensor("int32", ids, [ids.length]),
    position_ids: new Tensor("int32", positions, [ids.length]),
    token_offset: new Tensor("int32", offsets, [texts, longest]),
    cumulative_sequence_length: new Tensor("int32", bounds, [texts + 1]),
  };
}
