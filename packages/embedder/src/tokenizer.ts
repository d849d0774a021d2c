import { join } from "node:path";
import { Tokenizer as RustTokenizer } from "@anush008/tokenizers";
import { messageOf, ReembedError } from "@reembed/core";

/** The token ids of a text as the model reads them: cut to its limit, special tokens included. */
export interface TokenizedText {
  ids: Int32Array;
  /** Tokens of the whole text. */
  tokenCount: number;
}

/** Why a text has no tokens. */
export interface TokenizerFailure {
  failure: string;
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

  /** Answers for the texts in their order. */
  async tokenize(texts: readonly string[]): Promise<(TokenizedText | TokenizerFailure)[]> {
    try {
      const encodings = await this.#rust.encodeBatch([...texts]);
      return encodings.map((encoding) => this.#cut(encoding.getIds()));
    } catch {
      // One text fails them all, and the error does not say which.
      return await Promise.all(texts.map((text) => this.#tokenizeAlone(text)));
    }
  }

  async #tokenizeAlone(text: string): Promise<TokenizedText | TokenizerFailure> {
    try {
      const encoding = await this.#rust.encode(text);
      return this.#cut(encoding.getIds());
    } catch (error) {
      return { failure: messageOf(error) };
    }
  }

  /** Cuts the text's end off and keeps the closing special token, as the models' own tokenizers do. */
  #cut(ids: readonly number[]): TokenizedText {
    const kept = ids.length <= this.#maxTokens ? ids : [...ids.slice(0, this.#maxTokens - 1), ...ids.slice(-1)];
    return { ids: Int32Array.from(kept), tokenCount: ids.length };
  }
}
