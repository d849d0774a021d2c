import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ReembedError } from "@reembed/core";
import { exists } from "../model-files.ts";

/** What an encoder's graph is made of, apart from its weights. */
export interface EncoderShape {
  layers: number;
  hidden: number;
  heads: number;
  intermediate: number;
  vocabulary: number;
  /** Tokens of a text at most. */
  positions: number;
  /** Row of the position table that belongs to the first token: XLM-RoBERTa counts from behind the padding's id. */
  positionOffset: number;
  tokenTypes: number;
  layerNormEpsilon: number;
  /** How token vectors become the text's. */
  pooling: "cls" | "mean";
  /** The module behind the pooling that gives the vector other dimensions, such as `2_Dense`. */
  dense: { module: string; activation: "identity" | "tanh" } | undefined;
  /** Of the text's vector. */
  dimensions: number;
}

type Json = Record<string, unknown>;

/**
 * Reads what kind of encoder is in a folder: config.json, and of sentence-transformers' modules the pooling and a dense
 * layer.
 * @param expected The pooling, where it is known; without it the folder's `1_Pooling/config.json` must tell.
 * @throws ReembedError `encoder_unsupported` when the builder has no graph for it.
 */
export async function readEncoderShape(folder: string, expected?: "cls" | "mean"): Promise<EncoderShape> {
  const config = await readJson(join(folder, "config.json"));
  const type = String(config.model_type);
  const offset = { bert: 0, roberta: 1, "xlm-roberta": 1 }[type];
  const number = (name: string): number => {
    const value = config[name];
    if (typeof value === "number") return value;
    throw unsupported(folder, `its config.json has no ${name}`);
  };
  if (offset === undefined) throw unsupported(folder, `it is of the type ${type}, neither bert nor xlm-roberta`);
  if (config.hidden_act !== "gelu") throw unsupported(folder, `its activation is ${config.hidden_act} and not gelu`);
  const positionType = config.position_embedding_type ?? "absolute";
  if (positionType !== "absolute") throw unsupported(folder, `its positions are ${positionType} and not absolute`);
  const positionOffset = offset === 0 ? 0 : number("pad_token_id") + 1;
  const dense = await readDense(folder, number("hidden_size"));
  return {
    layers: number("num_hidden_layers"),
    hidden: number("hidden_size"),
    heads: number("num_attention_heads"),
    intermediate: number("intermediate_size"),
    vocabulary: number("vocab_size"),
    positions: number("max_position_embeddings") - positionOffset,
    positionOffset,
    tokenTypes: number("type_vocab_size"),
    layerNormEpsilon: number("layer_norm_eps"),
    pooling: await readPooling(folder, expected),
    ...dense,
  };
}

async function readPooling(folder: string, expected: "cls" | "mean" | undefined): Promise<"cls" | "mean"> {
  const path = join(folder, "1_Pooling/config.json");
  if (!(await exists(path))) {
    if (expected !== undefined) return expected;
    throw unsupported(folder, "it has no 1_Pooling/config.json that tells its pooling");
  }
  const config = await readJson(path);
  const found = config.pooling_mode_cls_token === true ? "cls" : "mean";
  if (found === "mean" && config.pooling_mode_mean_tokens !== true) {
    throw unsupported(folder, "its 1_Pooling/config.json asks for neither CLS nor mean pooling");
  }
  if (expected === undefined || expected === found) return found;
  throw unsupported(
    folder,
    `its 1_Pooling/config.json asks for ${found} pooling, and it is registered with ${expected}`,
  );
}

async function readDense(folder: string, hidden: number): Promise<Pick<EncoderShape, "dense" | "dimensions">> {
  const module = "2_Dense";
  const path = join(folder, module, "config.json");
  if (!(await exists(path))) return { dense: undefined, dimensions: hidden };
  const { in_features, out_features, bias, activation_function } = await readJson(path);
  const activation = String(activation_function)
    .match(/\.(Identity|Tanh)$/)?.[1]
    ?.toLowerCase();
  if (in_features !== hidden || typeof out_features !== "number" || bias === false || activation === undefined) {
    throw unsupported(folder, `its ${module} is no layer of ${hidden} inputs with a bias and Identity or Tanh`);
  }
  return { dense: { module, activation: activation as "identity" | "tanh" }, dimensions: out_features };
}

async function readJson(path: string): Promise<Json> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as Json;
  } catch (cause) {
    throw new ReembedError("encoder_unsupported", `${path} cannot be read as JSON.`, { cause });
  }
}

function unsupported(folder: string, why: string): ReembedError {
  return new ReembedError("encoder_unsupported", `${folder} cannot be prepared: ${why}.`, {
    remedy: "It can be run as it was exported, from onnx/model.onnx.",
  });
}
