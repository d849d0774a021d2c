import { randomBytes } from "node:crypto";
import type { Model } from "@reembed/core";

/** A model that does not exist on any hub. */
export const model: Model = {
  id: "someone/some-model",
  revision: "0123456789abcdef0123456789abcdef01234567",
  dimensions: 8,
  outputDimensions: 8,
  maxTokens: 64,
  pooling: "cls",
  prompts: { query: "", passage: "" },
  bundled: false,
};
/** The largest file of the repository, which is fetched last. */
export const data = "onnx/model.onnx_data";
export const weights = randomBytes(300_000);
/** The files that inference needs in addition to the weights. */
export const needed = {
  "config.json": '{"pad_token_id": 1}',
  "modules.json": "[]",
  "sentencepiece.bpe.model": "pieces",
  "tokenizer.json": '{"model": {}}',
  "1_Pooling/config.json": "{}",
  "2_Dense/config.json": "{}",
  "2_Dense/model.safetensors": "dense",
};
/** The files with the graph. */
export const wanted = {
  ...needed,
  "onnx/Constant_7_attr__value": "constant",
  "onnx/model.onnx": "graph",
  [data]: weights,
};
/** Weights of a repository that also has a graph with them. */
export const checkpoint = { "model.safetensors": weights };
export const shards = {
  "model-00001-of-00002.safetensors": weights.subarray(0, 200_000),
  "model-00002-of-00002.safetensors": weights.subarray(200_000),
  "model.safetensors.index.json": "{}",
};
export const pickle = { "pytorch_model.bin": "weights" };
export const unwanted = {
  "README.md": "text",
  "manifest.json": "{}",
  ...pickle,
  "pytorch_model.bin.index.json": "{}",
  "onnx/config.json": "{}",
  "onnx/model_fp16.onnx": "variant",
  "onnx/model_fp16.onnx_data": "variant",
};
