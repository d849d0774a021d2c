import type { Encoding, Tokenizer } from "@anush008/tokenizers";
import { messageOf } from "@reembed/core";
import type { EncodedText, Encoder, TokenizerFailure } from "./encoder.ts";

export type NativeModule = typeof import("@anush008/tokenizers");

/** The reference implementation: Hugging Face's tokenizers in Rust, which use several threads of their own. */
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
      // One bad text fails the whole call, and the error does not say which text it was.
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

/** The binding counts code points of the original text, whatever the normalizer changed. */
function endInCodePoints(encoding: Encoding, place: number): number {
  // Its index.d.ts declares [sequence, [start, end]], but encoding.rs returns [start, end].
  const chars = encoding.tokenToChars(place) as unknown as [start: number, end: number] | null;
  return chars?.[1] ?? 0;
}

/** The number of UTF-16 code units in the first code points of a text. */
function utf16Length(text: string, codePoints: number): number {
  let length = 0;
  for (let count = 0; count < codePoints; count++) length += (text.codePointAt(length) ?? 0) > 0xffff ? 2 : 1;
  return length;
}
