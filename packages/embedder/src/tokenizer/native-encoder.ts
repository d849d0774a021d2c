import type { Encoding, Tokenizer } from "@anush008/tokenizers";
import { messageOf } from "@reembed/core";
import type { EncodedText, Encoder, TokenizerFailure } from "./encoder.ts";

export type NativeModule = typeof import("@anush008/tokenizers");

/** The reference: Hugging Face's tokenizers in Rust, several texts at a time on their own threads. */
export class NativeEncoder implements Encoder {
  readonly kind = "native";
  readonly #tokenizer: Tokenizer;

  constructor({ Tokenizer }: NativeModule, path: string) {
    this.#tokenizer = Tokenizer.fromFile(path);
    this.#tokenizer.disableTruncation();
    this.#tokenizer.disablePadding();
  }

  async encode(texts: readonly string[]): Promise<(EncodedText | TokenizerFailure)[]> {
    try {
      const encodings = await this.#tokenizer.encodeBatch([...texts]);
      return encodings.map((encoding, index) => answer(encoding, texts[index] ?? ""));
    } catch {
      // One text fails them all, and the error does not say which.
      return await Promise.all(texts.map((text) => this.#encodeAlone(text)));
    }
  }

  async #encodeAlone(text: string): Promise<EncodedText | TokenizerFailure> {
    try {
      return answer(await this.#tokenizer.encode(text), text);
    } catch (error) {
      return { failure: messageOf(error) };
    }
  }
}

function answer(encoding: Encoding, text: string): EncodedText {
  return { ids: encoding.getIds(), endOf: (place) => utf16Length(text, endInCodePoints(encoding, place)) };
}

/** The binding counts code points of the text as it was given, whatever the normalizer made of it. */
function endInCodePoints(encoding: Encoding, place: number): number {
  // Its index.d.ts promises [sequence, [start, end]]; encoding.rs makes [start, end].
  const chars = encoding.tokenToChars(place) as unknown as [start: number, end: number] | null;
  return chars?.[1] ?? 0;
}

/** UTF-16 code units of the text's first code points. */
function utf16Length(text: string, codePoints: number): number {
  let length = 0;
  for (let count = 0; count < codePoints; count++) length += (text.codePointAt(length) ?? 0) > 0xffff ? 2 : 1;
  return length;
}
