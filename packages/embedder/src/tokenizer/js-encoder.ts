import { readFile } from "node:fs/promises";
import { Tokenizer } from "@huggingface/tokenizers";
import { messageOf } from "@reembed/core";
import type { EncodedText, Encoder, TokenizerFailure } from "./encoder.ts";
import { repairSteps, repairUnknowns } from "./js-repairs.ts";

/**
 * Hugging Face's tokenizers in JavaScript, for platforms without a native binary: a third of the speed, on one thread.
 * With `repairSteps` it gives the same tokens except for: about 100 punctuation marks, all from U+061D on, that Unicode
 * has added or reclassified since version 9, which the native tables have (Node 24 has 17); compatibility forms added
 * since then, such as U+A7F2; and, with a Metaspace step, a literal "▁" in a text.
 */
export class JsEncoder implements Encoder {
  readonly kind = "javascript";
  readonly #tokenizer: Tokenizer;

  private constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
  }

  static async load(path: string): Promise<JsEncoder> {
    // tokenizer_config.json is not read: the native tokenizer does not read it either, and the two would differ.
    const tokenizer = new Tokenizer(repairSteps(JSON.parse(await readFile(path, "utf8"))), {});
    repairUnknowns(tokenizer);
    return new JsEncoder(tokenizer);
  }

  async encode(texts: readonly string[]): Promise<(EncodedText | TokenizerFailure)[]> {
    return texts.map((text) => this.#encodeOne(text));
  }

  #encodeOne(text: string): EncodedText | TokenizerFailure {
    try {
      const { ids, tokens } = this.#tokenizer.encode(text);
      const unknown = ids.findIndex((id: number | undefined) => id === undefined);
      return unknown === -1 ? { ids } : { failure: `The vocabulary has no ${tokens[unknown]}` };
    } catch (error) {
      return { failure: messageOf(error) };
    }
  }
}
