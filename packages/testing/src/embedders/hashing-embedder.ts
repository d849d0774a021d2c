import { createHash } from "node:crypto";
import { type Model, ReembedError } from "@reembed/core";
import type { Embedder, TextOutcome, TextRole } from "@reembed/embedder";

export interface HashingEmbedderOptions {
  model: Model;
  /** Maximum texts of one micro-batch. */
  microBatchSize?: number;
  /** Awaited with the texts of each micro-batch while they are "in the model". If it throws, `embed` throws. */
  beforeMicroBatch?: (texts: string[]) => Promise<void>;
}

/**
 * A double of an embedder without a model: vectors are computed from the sha256 of the text, so that different texts have
 * unrelated vectors. Each word is one token, and each text has two special tokens.
 */
export class HashingEmbedder implements Embedder {
  readonly model: Model;
  readonly device = "none";
  readonly #microBatchSize: number;
  readonly #beforeMicroBatch: (texts: string[]) => Promise<void>;
  #closed = false;

  constructor({ model, microBatchSize = 8, beforeMicroBatch = async () => {} }: HashingEmbedderOptions) {
    this.model = model;
    this.#microBatchSize = microBatchSize;
    this.#beforeMicroBatch = beforeMicroBatch;
  }

  async *embed(texts: readonly string[], { as }: { as: TextRole }): AsyncGenerator<TextOutcome[]> {
    for (let start = 0; start < texts.length; start += this.#microBatchSize) {
      if (this.#closed) throw new ReembedError("inference_died", "The embedder was closed");
      const microBatch = texts.slice(start, start + this.#microBatchSize);
      await this.#beforeMicroBatch(microBatch);
      yield microBatch.map((text, row) =>
        this.#embedText(text, start + row, as === "bare" ? "" : this.model.prompts[as]),
      );
    }
  }

  #embedText(text: string, index: number, prompt: string): TextOutcome {
    if (text.trim() === "") return { index, rejected: "empty_text", detail: "The text has no visible character." };
    const words = (prompt + text).split(/\s+/).filter((word) => word !== "");
    const tokenCount = words.length + 2;
    const { dimensions, outputDimensions, maxTokens } = this.model;
    const emitted = hashToVector(words.slice(0, maxTokens - 2).join(" "), outputDimensions);
    const vector = emitted.slice(0, dimensions).map((value) => value * Math.sqrt(outputDimensions / dimensions));
    return { index, vector, tokenCount, truncatedTokens: Math.max(0, tokenCount - maxTokens) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
  }
}

/** The same absolute value in each dimension, with signs from sha256 in counter mode; of length 1. */
function hashToVector(text: string, dimensions: number): Float32Array {
  const vector = new Float32Array(dimensions);
  let bits = Buffer.alloc(0);
  for (let index = 0; index < dimensions; index++) {
    if (index % 256 === 0) bits = createHash("sha256").update(`${index}:${text}`).digest();
    const bit = ((bits[(index % 256) >> 3] ?? 0) >> (index & 7)) & 1;
    vector[index] = (bit === 1 ? 1 : -1) / Math.sqrt(dimensions);
  }
  return vector;
}
