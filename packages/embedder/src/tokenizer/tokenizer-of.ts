import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Model } from "@reembed/core";
import { modelFolder } from "../models/model-files.ts";
import { EstimatedTokenizer } from "./estimated-tokenizer.ts";
import { Tokenizer } from "./tokenizer.ts";

/** What counts a model's tokens and cuts its texts. */
export type TextTokenizer = Pick<Tokenizer, "tokenize" | "readParts"> & AsyncDisposable;

/** Whether a model's tokens can only be estimated: it runs at a provider, and its tokenizer.json is not here. */
export function hasNoTokenizer(model: Model, modelsFolder: string): boolean {
  return model.endpoint !== undefined && !existsSync(join(modelFolder(model, modelsFolder), "tokenizer.json"));
}

export function tokenizerOf(model: Model, modelsFolder: string): TextTokenizer {
  if (hasNoTokenizer(model, modelsFolder)) return new EstimatedTokenizer();
  return new Tokenizer(modelFolder(model, modelsFolder), model.maxTokens);
}
