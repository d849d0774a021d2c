import type { Model } from "@reembed/core";
import type { Embedder, TextOutcome } from "@reembed/embedder";

/** This many different vectors are generated once and then reused in turn, because generating them is not measured. */
const differentVectors = 256;

/**
 * Uses no model: every text gets a random unit vector. It measures everything that a fleet does except inference, and its
 * users must say so in their output.
 */
export class NullEmbedder implements Embedder {
  readonly model: Model;
  readonly device = "null";
  readonly #vectors: Float32Array[];
  #next = 0;

  constructor(model: Model) {
    this.model = model;
    this.#vectors = Array.from({ length: differentVectors }, () => randomUnitVector(model.dimensions));
  }

  vector(): Float32Array {
    this.#next = (this.#next + 1) % differentVectors;
    return this.#vectors[this.#next] as Float32Array;
  }

  async *embed(texts: readonly string[]): AsyncGenerator<TextOutcome[]> {
    yield texts.map((text, index) => ({
      index,
      vector: this.vector(),
      tokenCount: Math.ceil(text.length / 4),
      truncatedTokens: 0,
    }));
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

export function randomUnitVector(dimensions: number): Float32Array {
  const vector = Float32Array.from({ length: dimensions }, () => Math.random() - 0.5);
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}
