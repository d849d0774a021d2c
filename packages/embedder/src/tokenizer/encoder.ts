/** Hugging Face's tokenizers in Rust, or their JavaScript port, which has a third of the speed. */
export type EncoderKind = "native" | "javascript";

/** Converts texts to all of their token ids, special tokens included. Runs on a thread of its own: see `Tokenizer`. */
export interface Encoder {
  readonly kind: EncoderKind;
  /** Answers in the order of the texts, which are well-formed. */
  encode(texts: readonly string[]): Promise<(EncodedText | TokenizerFailure)[]>;
}

export interface EncodedText {
  ids: ArrayLike<number>;
  /** The index in the text, in UTF-16 code units, where a token ends. Absent if the implementation does not know it. */
  endOf?(place: number): number;
}

/** Why a text has no tokens. */
export interface TokenizerFailure {
  failure: string;
}
