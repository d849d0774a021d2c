import { readFile } from "node:fs/promises";
import { ReembedError } from "@reembed/core";

/** Which of a config.json's keys has each number of an encoder, and the value that transformers takes without it. */
type Numbers = Record<
  | "hidden"
  | "layers"
  | "heads"
  | "intermediate"
  | "vocabulary"
  | "positions"
  | "tokenTypes"
  | "layerNormEpsilon"
  | "padding",
  [key: string, otherwise: number]
>;

export interface EncoderFamily {
  numbers: Numbers;
  activation: string;
  /** Whether positions are counted from the one after the padding's id, as RoBERTa does, or from 0. */
  countsAfterPadding: boolean;
  /** Key and default of the number of classes of distances, if attention depends on the distance of two tokens. */
  distances: [key: string, otherwise: number] | undefined;
}

const bert: EncoderFamily = {
  numbers: {
    hidden: ["hidden_size", 768],
    layers: ["num_hidden_layers", 12],
    heads: ["num_attention_heads", 12],
    intermediate: ["intermediate_size", 3072],
    vocabulary: ["vocab_size", 30522],
    positions: ["max_position_embeddings", 512],
    tokenTypes: ["type_vocab_size", 2],
    layerNormEpsilon: ["layer_norm_eps", 1e-12],
    padding: ["pad_token_id", 0],
  },
  activation: "hidden_act",
  countsAfterPadding: false,
  distances: undefined,
};
const xlmRoberta: EncoderFamily = {
  ...bert,
  numbers: { ...bert.numbers, padding: ["pad_token_id", 1] },
  countsAfterPadding: true,
};

/** The families that `prepare` builds graphs for, by `model_type`. */
export const encoderFamilies: ReadonlyMap<string, EncoderFamily> = new Map([
  ["bert", bert],
  ["roberta", { ...xlmRoberta, numbers: { ...xlmRoberta.numbers, vocabulary: ["vocab_size", 50265] } }],
  ["xlm-roberta", xlmRoberta],
  [
    "distilbert",
    {
      ...bert,
      numbers: {
        ...bert.numbers,
        hidden: ["dim", 768],
        layers: ["n_layers", 6],
        heads: ["n_heads", 12],
        intermediate: ["hidden_dim", 3072],
        // These two are no settings of this family: it has no token types, and its epsilon is fixed.
        tokenTypes: ["", 0],
        layerNormEpsilon: ["", 1e-12],
      },
      activation: "activation",
    },
  ],
  [
    "mpnet",
    {
      ...xlmRoberta,
      numbers: { ...xlmRoberta.numbers, vocabulary: ["vocab_size", 30527], tokenTypes: ["", 0] },
      distances: ["relative_attention_num_buckets", 32],
    },
  ],
]);

export type Json = Record<string, unknown>;

export async function readJson(path: string): Promise<Json> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as Json;
  } catch (cause) {
    throw new ReembedError("encoder_unsupported", `${path} cannot be read as JSON.`, { cause });
  }
}
