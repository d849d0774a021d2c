import type { EncoderKind, TokenizerFailure } from "./encoder.ts";

/** Settings that the thread starts with. */
export interface TokenizerSettings {
  /** Path of tokenizer.json. */
  path: string;
  maxTokens: number;
  nativeModule: string;
}

/** The token ids of a text that the model reads: cut to its limit, special tokens included. */
export interface TokenizedText {
  ids: Int32Array;
  /** Number of tokens of the whole text. */
  tokenCount: number;
}

export interface TokenizerRequest {
  id: number;
  /** What to return for the texts: their tokens, or the parts of them that the model reads. */
  wanted: "tokens" | "parts";
  texts: readonly string[];
}

export type TokenizerReply =
  | { kind: "ready"; encoder: EncoderKind }
  /** The thread cannot serve. */
  | { kind: "refused"; code: string; message: string }
  | { kind: "tokens"; id: number; answers: (TokenizedText | TokenizerFailure)[] }
  | { kind: "parts"; id: number; parts: string[] }
  | { kind: "failed"; id: number; code: string; message: string };
