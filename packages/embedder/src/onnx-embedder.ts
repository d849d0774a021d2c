import { type MicroBatch, type Model, packMicroBatches, ReembedError } from "@reembed/core";
import type { Embedder, TextOutcome } from "./embedder.ts";
import { InferenceProcess } from "./inference-process.ts";
import { modelFolder, verifyModelFiles } from "./model-files.ts";
import { type TokenizedText, Tokenizer } from "./tokenizer.ts";

export interface OnnxEmbedderOptions {
  model: Model;
  modelsFolder: string;
  /** An execution provider of ONNX Runtime. */
  device: string;
  /** Tokens of one model run at most, padding included. */
  tokenBudget: number;
}

/**
 * Starts an embedder that runs the model's ONNX file in a child process. It has checked the files and embedded a first
 * text when this returns.
 * @throws ReembedError of `verifyModelFiles`, `device_unavailable` or `model_unusable`.
 */
export async function startOnnxEmbedder(options: OnnxEmbedderOptions): Promise<Embedder> {
  await verifyModelFiles(options.model, options.modelsFolder);
  const embedder = new OnnxEmbedder(options);
  try {
    for await (const [outcome] of embedder.embed(["Reembed"])) {
      if (outcome !== undefined && "rejected" in outcome) throw new ReembedError("model_unusable", outcome.detail);
    }
    return embedder;
  } catch (error) {
    await embedder[Symbol.asyncDispose]();
    throw error;
  }
}

class OnnxEmbedder implements Embedder {
  readonly model: Model;
  readonly device: string;
  readonly #tokenBudget: number;
  readonly #tokenizer: Tokenizer;
  readonly #inference: InferenceProcess;

  constructor({ model, modelsFolder, device, tokenBudget }: OnnxEmbedderOptions) {
    this.model = model;
    this.device = device;
    this.#tokenBudget = tokenBudget;
    const folder = modelFolder(model, modelsFolder);
    this.#tokenizer = new Tokenizer(folder, model.maxTokens);
    this.#inference = new InferenceProcess({ folder, device, dimensions: model.dimensions, pooling: model.pooling });
  }

  async *embed(texts: readonly string[]): AsyncGenerator<TextOutcome[]> {
    const empty = texts.flatMap((text, index) => (text.trim() === "" ? [index] : []));
    if (empty.length > 0) yield empty.map((index) => reject(index, "empty_text", "The text has no visible character."));
    const indexes = texts.flatMap((text, index) => (text.trim() === "" ? [] : [index]));
    const tokenized = await this.#tokenizer.tokenize(indexes.map((index) => texts[index] ?? ""));
    const microBatches = packMicroBatches(
      tokenized.map(({ ids }) => ids.length),
      this.#tokenBudget,
    );
    for (const microBatch of microBatches) {
      const outcomes = await this.#run(microBatch, tokenized);
      yield outcomes.map((outcome) => ({ ...outcome, index: indexes[outcome.index] ?? outcome.index }));
    }
  }

  async #run({ indexes, length }: MicroBatch, tokenized: readonly TokenizedText[]): Promise<TextOutcome[]> {
    const texts = indexes.map((index) => tokenized[index] as TokenizedText);
    const inputIds = new Int32Array(texts.length * length);
    texts.forEach(({ ids }, row) => inputIds.set(ids, row * length));
    const lengths = Int32Array.from(texts, ({ ids }) => ids.length);
    const vectors = await this.#inference.run({ inputIds, lengths, length });
    const { dimensions } = this.model;
    return indexes.map((index, row) => {
      const vector = vectors.slice(row * dimensions, (row + 1) * dimensions);
      const text = texts[row] as TokenizedText;
      if (!isUnit(vector)) return reject(index, "invalid_vector", "The model returned a vector without a length.");
      return { index, vector, tokenCount: text.tokenCount, truncatedTokens: text.tokenCount - text.ids.length };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#inference[Symbol.asyncDispose]();
  }
}

function reject(index: number, rejected: "empty_text" | "invalid_vector", detail: string): TextOutcome {
  return { index, rejected, detail };
}

function isUnit(vector: Float32Array): boolean {
  const norm = Math.hypot(...vector);
  return Math.abs(norm - 1) < 1e-3;
}
