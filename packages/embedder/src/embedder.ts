import type { Model } from "@reembed/core";

/** Why a text has no vector. Every reason is permanent: the same text would be rejected again. */
export type RejectionReason = "empty_text" | "tokenizer_failed" | "invalid_vector";

/** The result for the text at `index`. */
export type TextOutcome =
  | {
      index: number;
      /** Of length 1. */
      vector: Float32Array;
      /** Tokens of the whole text, the prompt and special tokens included. */
      tokenCount: number;
      /** Tokens beyond the model's limit, which were cut off. */
      truncatedTokens: number;
    }
  | { index: number; rejected: RejectionReason; detail: string };

/** Receives an embedder's events as they happen. */
export interface EmbedderObserver {
  tokenised(seconds: number): void;
  /** A run has at most this many tokens from now on. Called at the start and after a run was out of memory. */
  budgeted(tokens: number): void;
  /** One run of the model: `tokens` belong to texts, `padding` is computed in addition. */
  ran(run: { texts: number; tokens: number; padding: number; seconds: number }): void;
  /** The inference process died and is being started again. */
  restarted(): void;
}

/**
 * What a text is to its model: many models read queries and passages with different prompts before them. A bare text is
 * read without a prompt, which only checks of the model's files want.
 */
export type TextRole = "query" | "passage" | "bare";

/** The outcome of one text. */
export async function embedOne(embedder: Embedder, text: string, reading: { as: TextRole }): Promise<TextOutcome> {
  for await (const [outcome] of embedder.embed([text], reading)) {
    if (outcome !== undefined) return outcome;
  }
  throw new TypeError("The embedder gave no outcome");
}

/** What the model wants before a text. */
export function promptOf({ prompts }: Pick<Model, "prompts">, role: TextRole): string {
  return role === "bare" ? "" : prompts[role];
}

/** Embeds a short text to find out whether the model works. */
export async function tryEmbedding(embedder: Embedder, text = "Reembed"): Promise<TextOutcome> {
  return await embedOne(embedder, text, { as: "bare" });
}

/** Turns texts into vectors. */
export interface Embedder extends AsyncDisposable {
  readonly model: Model;
  /** For example `cpu`. */
  readonly device: string;
  /**
   * Embeds texts and yields the outcomes micro-batch by micro-batch, in the order in which they ran. Every text gets
   * exactly one outcome. An error may be temporary; outcomes that were yielded before it are valid.
   * @param reading.as The model's prompt for this role is put before each text; callers pass the text alone.
   */
  embed(texts: readonly string[], reading: { as: TextRole }): AsyncIterable<TextOutcome[]>;
}

/** The same embedder for code that disposes of what it gets: its disposal does nothing. */
export function keepOpen(embedder: Embedder): Embedder {
  return {
    model: embedder.model,
    device: embedder.device,
    embed: (texts, reading) => embedder.embed(texts, reading),
    async [Symbol.asyncDispose]() {},
  };
}
