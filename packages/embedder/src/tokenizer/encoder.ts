import { messageOf, ReembedError } from "@reembed/core";
import { JsEncoder } from "./js-encoder.ts";
import { NativeEncoder, type NativeModule } from "./native-encoder.ts";

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

/**
 * Loads a tokenizer.json.
 * @param nativeModule Name of the native module. Where it has no binary for the platform, JavaScript is used.
 * @throws ReembedError `tokenizer_invalid` if `path` is not a valid tokenizer.json.
 */
export async function loadEncoder(path: string, nativeModule: string): Promise<Encoder> {
  const native = await import(nativeModule).catch(() => undefined);
  try {
    return native === undefined ? await JsEncoder.load(path) : new NativeEncoder(native as NativeModule, path);
  } catch (cause) {
    throw new ReembedError("tokenizer_invalid", `${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
}
