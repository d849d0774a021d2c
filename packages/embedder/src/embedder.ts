import type { Model } from "@reembed/core";

/** Why a text has no vector. Each is permanent: the same text would be rejected again. */
export type RejectionReason = "empty_text" | "tokenizer_failed" | "invalid_vector";

/** What became of the text at `index`. */
export type TextOutcome =
  | {
      index: number;
      /** Of length 1. */
      vector: Float32Array;
      /** Tokens of the text, special tokens included. */
      tokenCount: number;
      /** How many of them were beyond the model's limit and cut off. */
      truncatedTokens: number;
    }
  | { index: number; rejected: RejectionReason; detail: string };

/** Turns texts into vectors. */
export interface Embedder extends AsyncDisposable {
  readonly model: Model;
  /** For instance `cpu`. */
  readonly device: string;
  /**
   * Embeds texts and yields the outcomes of one micro-batch after another, in the order in which they were run; every
   * text has exactly one outcome. An error that is thrown may pass: what was yielded before it is good.
   */
  embed(texts: readonly string[]): AsyncIterable<TextOutcome[]>;
}
