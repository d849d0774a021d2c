import { existsSync } from "node:fs";
import { cp, mkdir, rename, rm, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Model, models, ReembedError } from "@reembed/core";
import { modelFolder } from "@reembed/embedder";
import { builderVersion } from "@reembed/embedder/models";
import {
  type EncoderShape,
  floatArithmetic,
  int8Arithmetic,
  writeEncoder,
  writePackedEncoder,
  writePlainEncoder,
} from "@reembed/model-builder/graph";
import { parametersOf } from "./encoder-work.ts";
import { randomWeights } from "./random-weights.ts";

/** The exported graph, and those of `reembed model prepare`. */
export type GraphKind = "exported" | "fp32" | "int8" | "packed-fp16";

export interface RandomModel {
  model: Model;
  shape: EncoderShape;
  /** In Hugging Face layout, which transformers.js can read. */
  folder: string;
  /** Path of a graph's ONNX file. */
  graph(kind: GraphKind): string;
}

const cache = join(import.meta.dirname, "../.cache");
/** transformers.js expects an exported graph in `onnx`. */
const graphFolder = (kind: GraphKind) => (kind === "exported" ? "onnx" : kind);
const tokenizerFiles = ["tokenizer.json", "tokenizer_config.json"];

const bgeM3: EncoderShape = {
  layers: 24,
  hidden: 1024,
  heads: 16,
  intermediate: 4096,
  vocabulary: 250_002,
  positions: 8192,
  positionOffset: 2,
  tokenTypes: 1,
  distances: 0,
  layerNormEpsilon: 1e-5,
  pooling: "cls",
  dense: undefined,
  dimensions: 1024,
};

/**
 * A model of BGE-M3's shape, or with fewer layers, with random weights and the tokenizer of mini-m3. Its graphs are built
 * once and kept in `bench/.cache`.
 * @throws ReembedError `disk_full` if there is not enough space for them.
 */
export async function openRandomModel({
  layers,
  graphs,
}: {
  layers: number;
  graphs: readonly GraphKind[];
}): Promise<RandomModel> {
  const shape = { ...bgeM3, layers };
  const name = `bge-m3-random-${layers}-layers-builder-${builderVersion}`;
  const folder = join(cache, name);
  await mkdir(folder, { recursive: true });
  await writeConfig(folder, shape);
  const missing = graphs.filter((kind) => !existsSync(join(folder, graphFolder(kind))));
  await refuseFullDisk(
    folder,
    missing.reduce((bytes, kind) => bytes + sizeOf(kind, shape), 0),
  );
  for (const kind of missing) await build(kind, shape, folder);
  const { dimensions, positions: maxTokens, pooling } = shape;
  return {
    model: {
      id: name,
      revision: "random",
      dimensions,
      outputDimensions: dimensions,
      maxTokens,
      pooling,
      prompts: { query: "", passage: "" },
      bundled: false,
    },
    shape,
    folder,
    graph: (kind) => join(folder, graphFolder(kind), "model.onnx"),
  };
}

/** Written every time, because mini-m3 may have another tokenizer than when the graphs were built. */
async function writeConfig(folder: string, shape: EncoderShape): Promise<void> {
  const miniM3 = models.get("mini-m3");
  if (miniM3 === undefined) throw new TypeError("There is no model mini-m3");
  for (const file of tokenizerFiles) await cp(join(modelFolder(miniM3, ""), file), join(folder, file));
  const config = {
    architectures: ["XLMRobertaModel"],
    model_type: "xlm-roberta",
    hidden_act: "gelu",
    bos_token_id: 0,
    pad_token_id: 1,
    eos_token_id: 2,
    num_hidden_layers: shape.layers,
    hidden_size: shape.hidden,
    num_attention_heads: shape.heads,
    intermediate_size: shape.intermediate,
    vocab_size: shape.vocabulary,
    max_position_embeddings: shape.positions + shape.positionOffset,
    type_vocab_size: shape.tokenTypes,
    layer_norm_eps: shape.layerNormEpsilon,
  };
  await writeFile(join(folder, "config.json"), `${JSON.stringify(config, null, 2)}\n`);
}

/** Built under another name first, so that a graph with the final name is always complete. */
async function build(kind: GraphKind, shape: EncoderShape, folder: string): Promise<void> {
  const workshop = join(folder, `${graphFolder(kind)}.partial`);
  await rm(workshop, { recursive: true, force: true });
  await mkdir(workshop);
  const path = join(workshop, "model.onnx");
  console.error(`Building ${kind}, once: ${(sizeOf(kind, shape) / 1e9).toFixed(1)} GB in ${folder}`);
  const encoder = { path, shape, weights: randomWeights };
  if (kind === "exported") await writePlainEncoder(encoder);
  else if (kind === "packed-fp16") await writePackedEncoder({ ...encoder, elementType: "float16" });
  else await writeEncoder({ ...encoder, arithmetic: arithmeticOf(kind), masked: false });
  await rename(workshop, join(folder, graphFolder(kind)));
}

function arithmeticOf(kind: GraphKind) {
  return kind === "int8" ? int8Arithmetic : floatArithmetic("float32");
}

async function refuseFullDisk(folder: string, neededBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize > neededBytes) return;
  const needed = `${(neededBytes / 1e9).toFixed(1)} GB are needed in ${folder}`;
  throw new ReembedError("disk_full", `${needed}, ${((bavail * bsize) / 1e9).toFixed(1)} are free.`, {
    remedy: "Free some space, or make bench/.cache a link to a larger disk.",
  });
}

function sizeOf(kind: GraphKind, shape: EncoderShape): number {
  const bytes = { exported: 4, fp32: 4, int8: 1.02, "packed-fp16": 2 }[kind];
  return parametersOf(shape) * bytes;
}
