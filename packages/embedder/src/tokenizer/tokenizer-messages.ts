import type { EncoderKind, TokenizerFailure } from "./encoder.ts";

/** What the thread is started with. */
export interface TokenizerSettings {
  /** Of tokenizer.json. */
  path: string;
  maxTokens: number;
  nativeModule: string;
}

/** The token ids of a text as the model reads them: cut to its limit, special tokens included. */
export interface TokenizedText {
  ids: Int32Array;
  /** Tokens of the whole text. */
  tokenCount: number;
}

export interface TokenizerRequest {
  id: number;
  /** What is asked of the texts: their tokens, or the parts of them that the model reads. */
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
