import type { EmbedderObserver, RejectionReason, TextOutcome } from "../embedder.ts";
import { unitVector } from "../unit-vector.ts";
import type { TokenizedText } from "./tokenizer-messages.ts";
import type { TextTokenizer } from "./tokenizer-of.ts";

/** One text as the model reads it, after its prompt, with every index at which it was given. */
export interface TextInput extends TokenizedText {
  text: string;
  indexes: readonly number[];
}

export interface TextInputs {
  inputs: TextInput[];
  /** The outcomes of texts that are not run. */
  rejected: TextOutcome[];
}

interface Reading {
  tokenizer: Pick<TextTokenizer, "tokenize">;
  /** What the model wants before each text; it counts as a part of the text, also where a long one is cut. */
  prompt: string;
  observer?: EmbedderObserver | undefined;
}

/** Makes one input of each distinct text that has tokens: a text that is given ten times is embedded once. */
export async function readTexts(
  texts: readonly string[],
  { tokenizer, prompt, observer }: Reading,
): Promise<TextInputs> {
  const places = indexesByText(texts);
  const different = [...places.keys()];
  const visible = different.filter((text) => text.trim() !== "");
  const startedAt = performance.now();
  const answers = visible.length === 0 ? [] : await tokenizer.tokenize(visible.map((text) => prompt + text));
  observer?.tokenised((performance.now() - startedAt) / 1_000);

  const inputs: TextInput[] = [];
  const rejected = different
    .filter((text) => text.trim() === "")
    .flatMap((text) => rejectAll(placesOf(text), "empty_text", "The text has no visible character."));
  for (const [place, text] of visible.entries()) {
    const answer = answers[place] ?? { failure: "The tokenizer gave no answer." };
    const indexes = placesOf(text);
    if ("failure" in answer) rejected.push(...rejectAll(indexes, "tokenizer_failed", answer.failure));
    else inputs.push({ text: prompt + text, indexes, ...answer });
  }
  return { inputs, rejected };

  function placesOf(text: string): readonly number[] {
    return places.get(text) ?? [];
  }
}

/**
 * The outcomes of an embedded input, one per index of its text; they share the vector.
 * @param emitted The model's vector, of any length.
 * @param dimensions How much of its beginning is kept.
 */
export function outcomesOf(input: TextInput, emitted: Float32Array, dimensions: number): TextOutcome[] {
  const { indexes, ids, tokenCount } = input;
  const vector = unitVector(emitted, dimensions);
  if (vector === undefined) {
    return rejectAll(indexes, "invalid_vector", "The length of the model's vector is zero or not finite.");
  }
  return indexes.map((index) => ({ index, vector, tokenCount, truncatedTokens: tokenCount - ids.length }));
}

/** The outcomes of a rejected text, one per index. */
export function rejectAll(indexes: readonly number[], rejected: RejectionReason, detail: string): TextOutcome[] {
  return indexes.map((index) => ({ index, rejected, detail }));
}

function indexesByText(texts: readonly string[]): Map<string, number[]> {
  const places = new Map<string, number[]>();
  for (const [index, text] of texts.entries()) {
    const indexes = places.get(text);
    if (indexes === undefined) places.set(text, [index]);
    else indexes.push(index);
  }
  return places;
}
