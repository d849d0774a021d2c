import { join } from "node:path";
import { type Pooling, ReembedError } from "@reembed/core";
import { exists } from "@reembed/embedder/models";
import { encoderFamilies, readJson } from "./encoder-families.ts";

/** The structure of an encoder, without its weights. */
export interface EncoderShape {
  layers: number;
  hidden: number;
  heads: number;
  intermediate: number;
  vocabulary: number;
  /** Maximum number of tokens of a text. */
  positions: number;
  /** The row of the position table for the first token: XLM-RoBERTa counts from the one after the padding's id. */
  positionOffset: number;
  /** 0 for an encoder without them. */
  tokenTypes: number;
  /** Classes of distances of two tokens that attention depends on; 0 if it does not. */
  distances: number;
  layerNormEpsilon: number;
  /** How token vectors become the vector of the text. */
  pooling: "cls" | "mean";
  /** The module after pooling that changes the vector's dimensions, such as `2_Dense`. */
  dense: { module: string; activation: "identity" | "tanh" } | undefined;
  /** Dimensions of the text's vector. */
  dimensions: number;
}

/**
 * Reads an encoder's structure from its folder: config.json, and the pooling and dense modules of sentence-transformers.
 * What config.json leaves out has transformers' defaults.
 * @param expected The pooling, if it is known; otherwise the folder must have `1_Pooling/config.json`.
 * @throws ReembedError `encoder_unsupported` if the builder does not support it.
 */
export async function readEncoderShape(folder: string, expected?: Pooling): Promise<EncoderShape> {
  const config = await readJson(join(folder, "config.json"));
  const type = String(config.model_type);
  const family = encoderFamilies.get(type);
  if (family === undefined) {
    throw unsupported(folder, `it is of the type ${type}, and not ${[...encoderFamilies.keys()].join(", ")}`);
  }
  const activation = config[family.activation] ?? "gelu";
  if (activation !== "gelu") throw unsupported(folder, `its activation is ${activation} and not gelu`);
  const positionType = config.position_embedding_type ?? "absolute";
  if (positionType !== "absolute") throw unsupported(folder, `its positions are ${positionType} and not absolute`);
  const number = ([key, otherwise]: [key: string, otherwise: number]): number => {
    const value = config[key] ?? otherwise;
    if (typeof value === "number") return value;
    throw unsupported(folder, `its config.json has ${JSON.stringify(value)} as ${key}`);
  };
  const { hidden, layers, heads, intermediate, vocabulary, tokenTypes, layerNormEpsilon, ...rest } = family.numbers;
  const positionOffset = family.countsAfterPadding ? number(rest.padding) + 1 : 0;
  const dense = await readDense(folder, number(hidden));
  return {
    layers: number(layers),
    hidden: number(hidden),
    heads: number(heads),
    intermediate: number(intermediate),
    vocabulary: number(vocabulary),
    positions: number(rest.positions) - positionOffset,
    positionOffset,
    tokenTypes: number(tokenTypes),
    distances: family.distances === undefined ? 0 : number(family.distances),
    layerNormEpsilon: number(layerNormEpsilon),
    pooling: await readPooling(folder, expected),
    ...dense,
  };
}

async function readPooling(folder: string, expected: Pooling | undefined): Promise<"cls" | "mean"> {
  const path = join(folder, "1_Pooling/config.json");
  if (!(await exists(path))) {
    if (expected === "last")
      throw unsupported(folder, "it is pooled by the last token, and the builder knows CLS and mean");
    if (expected !== undefined) return expected;
    throw unsupported(folder, "it has no 1_Pooling/config.json with its pooling");
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
    throw unsupported(folder, `its ${module} is not a layer of ${hidden} inputs with a bias and Identity or Tanh`);
  }
  return { dense: { module, activation: activation as "identity" | "tanh" }, dimensions: out_features };
}

function unsupported(folder: string, why: string): ReembedError {
  return new ReembedError("encoder_unsupported", `${folder} cannot be prepared: ${why}.`, {
    remedy: "Run the exported graph, onnx/model.onnx, without preparing it.",
  });
}
