import { messageOf, ReembedError } from "@reembed/core";
import { JsEncoder } from "./js-encoder.ts";
import { NativeEncoder, type NativeModule } from "./native-encoder.ts";

/** Hugging Face's own tokenizers in Rust, or their JavaScript port, at a third of the speed. */
export type EncoderKind = "native" | "javascript";

/** Texts to token ids, special tokens included, as long as they are. Runs on a thread of its own: see `Tokenizer`. */
export interface Encoder {
  readonly kind: EncoderKind;
  /** Answers for the texts in their order. The texts are well-formed. */
  encode(texts: readonly string[]): Promise<(EncodedText | TokenizerFailure)[]>;
}

export interface EncodedText {
  ids: ArrayLike<number>;
  /** Where the token at `place` ends in the text, in UTF-16 code units. Absent where the implementation does not know. */
  endOf?(place: number): number;
}

/** Why a text has no tokens. */
export interface TokenizerFailure {
  failure: string;
}

/**
 * Reads a tokenizer.json.
 * @param nativeModule Name of the native module. It has no binary for every platform; without one, JavaScript does.
 * @throws ReembedError `tokenizer_invalid` when `path` is no tokenizer.json.
 */
export async function loadEncoder(path: string, nativeModule: string): Promise<Encoder> {
  const native = await import(nativeModule).catch(() => undefined);
  try {
    return native === undefined ? await JsEncoder.load(path) : new NativeEncoder(native as NativeModule, path);
  } catch (cause) {
    throw new ReembedError("tokenizer_invalid", `${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
}
