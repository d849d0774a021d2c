import type { Model } from "@reembed/core";
import { readTexts } from "./text-inputs.ts";
import { tokenizerOf } from "./tokenizer-of.ts";

export interface TokenCount {
  /** Tokens that the model reads, special tokens included; 0 for a text that it would reject. */
  read: number;
  /** Tokens beyond the model's limit. */
  truncated: number;
}

/** Texts per call of the tokenizer. The ids of one call are in memory together. */
const textsAtATime = 64;

/**
 * Counts the tokens of passages as an embedder of this model would, prompts included. Needs only the model's tokenizer.json; without
 * one, the tokens of a provider's model are estimated.
 * @throws ReembedError `tokenizer_invalid`.
 */
export async function countTokens(model: Model, modelsFolder: string, texts: readonly string[]): Promise<TokenCount[]> {
  await using tokenizer = tokenizerOf(model, modelsFolder);
  const counts: TokenCount[] = texts.map(() => ({ read: 0, truncated: 0 }));
  for (let start = 0; start < texts.length; start += textsAtATime) {
    const { inputs } = await readTexts(texts.slice(start, start + textsAtATime), {
      tokenizer,
      prompt: model.prompts.passage,
    });
    for (const { ids, tokenCount, indexes } of inputs) {
      const count = { read: ids.length, truncated: tokenCount - ids.length };
      for (const index of indexes) counts[start + index] = count;
    }
  }
  return counts;
}
