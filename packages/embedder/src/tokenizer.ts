import { join } from "node:path";
import { Tokenizer as RustTokenizer } from "@anush008/tokenizers";
import { messageOf, ReembedError } from "@reembed/core";

/** The token ids of a text as the model reads them: cut to its limit, special tokens included. */
export interface TokenizedText {
  ids: Int32Array;
  /** Tokens of the whole text. */
  tokenCount: number;
}

/** Hugging Face's own tokenizers, on the threads of its pool: the event loop stays free. */
export class Tokenizer {
  readonly #rust: RustTokenizer;
  readonly #maxTokens: number;

  /** @throws ReembedError `tokenizer_invalid` when `tokenizer.json` is not one. */
  constructor(folder: string, maxTokens: number) {
    const path = join(folder, "tokenizer.json");
    try {
      this.#rust = RustTokenizer.fromFile(path);
      this.#rust.disableTruncation();
      this.#rust.disablePadding();
    } catch (cause) {
      throw new ReembedError("tokenizer_invalid", `${path} cannot be read: ${messageOf(cause)}`, { cause });
    }
    this.#maxTokens = maxTokens;
  }

  async tokenize(texts: readonly string[]): Promise<TokenizedText[]> {
    const encodings = await this.#rust.encodeBatch([...texts]);
    return encodings.map((encoding) => {
      const ids = encoding.getIds();
      return { ids: Int32Array.from(this.#truncate(ids)), tokenCount: ids.length };
    });
  }

  /** Cuts the text's end off and keeps the closing special token, as the models' own tokenizers do. */
  #truncate(ids: number[]): number[] {
    if (ids.length <= this.#maxTokens) return ids;
    return [...ids.slice(0, this.#maxTokens - 1), ...ids.slice(-1)];
  }
}
