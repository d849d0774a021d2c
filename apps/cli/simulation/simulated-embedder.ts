import type { Model } from "@reembed/core";
import type { Embedder, TextOutcome } from "@reembed/embedder";
import type { SimulatedProcess } from "./simulated-process.ts";
import { findText } from "./texts.ts";

const microBatchTexts = 2;

/** Embeds the simulation's texts: the vector of text `n` is 1 in dimension `n`, so that a vector identifies its text. */
export class SimulatedEmbedder implements Embedder {
  readonly model: Model;
  readonly device = "simulated";
  readonly #process: SimulatedProcess;

  constructor(model: Model, process: SimulatedProcess) {
    this.model = model;
    this.#process = process;
  }

  async *embed(contents: readonly string[]): AsyncGenerator<TextOutcome[]> {
    for (let start = 0; start < contents.length; start += microBatchTexts) {
      const microBatch = contents.slice(start, start + microBatchTexts);
      yield await this.#process.pass(() => this.#run(microBatch, start));
    }
  }

  #run(contents: readonly string[], start: number): TextOutcome[] {
    const kinds = contents.map((content) => findText(content)?.kind);
    if (kinds.includes("deadly")) this.#process.die();
    if (kinds.includes("refused")) throw new Error("The model cannot take this text");
    return contents.map((content, row) => this.#outcome(content, start + row));
  }

  #outcome(content: string, index: number): TextOutcome {
    if (content.trim() === "") return { index, rejected: "empty_text", detail: "The text has no visible character." };
    const vector = new Float32Array(this.model.dimensions);
    // An unknown text is the harmless one with which a worker checks whether its device still works.
    vector[findText(content)?.index ?? this.model.dimensions - 1] = 1;
    return { index, vector, tokenCount: 3, truncatedTokens: 0 };
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
