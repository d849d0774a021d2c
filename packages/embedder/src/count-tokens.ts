import type { Model } from "@reembed/core";
import { modelFolder } from "./model-files.ts";
import { readTexts } from "./text-inputs.ts";
import { Tokenizer } from "./tokenizer.ts";

export interface TokenCount {
  /** That the model reads, special tokens included; 0 of a text that it would reject. */
  read: number;
  /** Beyond the model's limit. */
  truncated: number;
}

/** Texts that are handed to the tokenizer at a time: their ids are in memory together. */
const textsAtATime = 64;

/**
 * Counts the tokens of texts as an embedder of this model would, without the model: only its tokenizer.json is read.
 * @throws ReembedError `tokenizer_invalid`.
 */
export async function countTokens(model: Model, modelsFolder: string, texts: readonly string[]): Promise<TokenCount[]> {
  await using tokenizer = new Tokenizer(modelFolder(model, modelsFolder), model.maxTokens);
  const counts: TokenCount[] = texts.map(() => ({ read: 0, truncated: 0 }));
  for (let start = 0; start < texts.length; start += textsAtATime) {
    const { inputs } = await readTexts(texts.slice(start, start + textsAtATime), tokenizer);
    for (const { ids, tokenCount, indexes } of inputs) {
      const count = { read: ids.length, truncated: tokenCount - ids.length };
      for (const index of indexes) counts[start + index] = count;
    }
  }
  return counts;
}
