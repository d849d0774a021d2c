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

/** Told what an embedder does, as it does it. */
export interface EmbedderObserver {
  tokenised(seconds: number): void;
  /** From now on a run has so many tokens at most: at the start, and after memory has ended. */
  budgeted(tokens: number): void;
  /** One run of the model: `tokens` of the texts, and `padding` beside them. */
  ran(run: { texts: number; tokens: number; padding: number; seconds: number }): void;
  /** The inference process has died and is started again. */
  restarted(): void;
}

/** The outcome of one text. */
export async function embedOne(embedder: Embedder, text = "Reembed"): Promise<TextOutcome> {
  for await (const [outcome] of embedder.embed([text])) {
    if (outcome !== undefined) return outcome;
  }
  throw new TypeError("The embedder gave no outcome");
}

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
