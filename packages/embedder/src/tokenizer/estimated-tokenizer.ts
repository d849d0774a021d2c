import type { TokenizedText } from "./tokenizer-messages.ts";

/** Of English, Russian and code there are 3 to 5 bytes to a token of OpenAI's models. */
const bytesPerToken = 3;

/**
 * Stands in for the tokenizer of a model that has none here, because it runs at a provider. The numbers of tokens are rather
 * too high than too low. Nothing is cut: a text that is too long is refused by the provider, with its reason.
 */
export class EstimatedTokenizer implements AsyncDisposable {
  async tokenize(texts: readonly string[]): Promise<TokenizedText[]> {
    return texts.map((text) => {
      const tokenCount = Math.ceil(Buffer.byteLength(text) / bytesPerToken);
      return { ids: new Int32Array(tokenCount), tokenCount };
    });
  }

  async readParts(texts: readonly string[]): Promise<string[]> {
    return texts.map((text) => text.toWellFormed());
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
