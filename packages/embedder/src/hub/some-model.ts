import { randomBytes } from "node:crypto";
import type { Model } from "@reembed/core";

/** A model that no hub has. */
export const model: Model = {
  id: "someone/some-model",
  revision: "0123456789abcdef0123456789abcdef01234567",
  dimensions: 8,
  maxTokens: 64,
  pooling: "cls",
  bundled: false,
};
/** The largest file of the repository, and the last to be fetched. */
export const data = "onnx/model.onnx_data";
export const weights = randomBytes(300_000);
/** What inference needs of the repository. */
export const wanted = {
  "config.json": '{"pad_token_id": 1}',
  "sentencepiece.bpe.model": "pieces",
  "tokenizer.json": '{"model": {}}',
  "onnx/Constant_7_attr__value": "constant",
  "onnx/model.onnx": "graph",
  [data]: weights,
};
export const unwanted = {
  "README.md": "text",
  "manifest.json": "{}",
  "pytorch_model.bin": "weights",
  "1_Pooling/config.json": "{}",
  "onnx/config.json": "{}",
  "onnx/model_fp16.onnx": "variant",
  "onnx/model_fp16.onnx_data": "variant",
};
