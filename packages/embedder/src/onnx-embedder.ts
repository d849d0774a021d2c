import { type Model, packMicroBatches, ReembedError } from "@reembed/core";
import { type Embedder, type EmbedderObserver, embedOne, type RejectionReason, type TextOutcome } from "./embedder.ts";
import { InferenceProcess } from "./inference-process.ts";
import { modelFolder, verifyModelFiles } from "./model-files.ts";
import { lengthOf } from "./pooling.ts";
import { type TokenizedText, Tokenizer } from "./tokenizer.ts";

export interface OnnxEmbedderOptions {
  model: Model;
  modelsFolder: string;
  /** An execution provider of ONNX Runtime. */
  device: string;
  /** Tokens of one model run at most, padding included. */
  tokenBudget: number;
  observer?: EmbedderObserver | undefined;
}

/**
 * Starts an embedder that runs the model's ONNX file in a child process. It has checked the files and embedded a first
 * text when this returns.
 * @throws ReembedError of `verifyModelFiles`, `tokenizer_invalid`, `device_unavailable` or `model_unusable`.
 */
export async function startOnnxEmbedder(options: OnnxEmbedderOptions): Promise<Embedder> {
  await verifyModelFiles(options.model, options.modelsFolder);
  const embedder = new OnnxEmbedder(options);
  try {
    const outcome = await embedOne(embedder);
    if ("rejected" in outcome) throw new ReembedError("model_unusable", outcome.detail);
    return embedder;
  } catch (error) {
    await embedder[Symbol.asyncDispose]();
    throw error;
  }
}

interface IndexedText extends TokenizedText {
  index: number;
}

class OnnxEmbedder implements Embedder {
  readonly model: Model;
  readonly device: string;
  readonly #tokenBudget: number;
  readonly #tokenizer: Tokenizer;
  readonly #inference: InferenceProcess;
  readonly #observer: EmbedderObserver | undefined;

  constructor({ model, modelsFolder, device, tokenBudget, observer }: OnnxEmbedderOptions) {
    this.model = model;
    this.device = device;
    this.#tokenBudget = tokenBudget;
    const folder = modelFolder(model, modelsFolder);
    this.#tokenizer = new Tokenizer(folder, model.maxTokens);
    const { dimensions, pooling } = model;
    this.#inference = new InferenceProcess({ folder, device, dimensions, pooling }, () => observer?.restarted());
    this.#observer = observer;
  }

  async *embed(texts: readonly string[]): AsyncGenerator<TextOutcome[]> {
    const { tokenized, rejected } = await this.#tokenize(texts);
    if (rejected.length > 0) yield rejected;
    const lengths = tokenized.map(({ ids }) => ids.length);
    for (const { indexes, length } of packMicroBatches(lengths, this.#tokenBudget)) {
      yield await this.#run(
        indexes.map((index) => tokenized[index] as IndexedText),
        length,
      );
    }
  }

  async #tokenize(texts: readonly string[]): Promise<{ tokenized: IndexedText[]; rejected: TextOutcome[] }> {
    const tokenized: IndexedText[] = [];
    const rejected: TextOutcome[] = [];
    const visible: number[] = [];
    for (const [index, text] of texts.entries()) {
      if (text.trim() !== "") visible.push(index);
      else rejected.push(reject(index, "empty_text", "The text has no visible character."));
    }
    const startedAt = performance.now();
    const answers = await this.#tokenizer.tokenize(visible.map((index) => texts[index] as string));
    this.#observer?.tokenised((performance.now() - startedAt) / 1_000);
    for (const [place, answer] of answers.entries()) {
      const index = visible[place] as number;
      if ("failure" in answer) rejected.push(reject(index, "tokenizer_failed", answer.failure));
      else tokenized.push({ index, ...answer });
    }
    return { tokenized, rejected };
  }

  async #run(texts: readonly IndexedText[], length: number): Promise<TextOutcome[]> {
    const inputIds = new Int32Array(texts.length * length);
    for (const [row, { ids }] of texts.entries()) inputIds.set(ids, row * length);
    const lengths = Int32Array.from(texts, ({ ids }) => ids.length);
    const startedAt = performance.now();
    const vectors = await this.#inference.run({ inputIds, lengths, length });
    const tokens = lengths.reduce((sum, tokens) => sum + tokens, 0);
    const seconds = (performance.now() - startedAt) / 1_000;
    this.#observer?.ran({ texts: texts.length, tokens, padding: inputIds.length - tokens, seconds });
    const { dimensions } = this.model;
    return texts.map(({ index, ids, tokenCount }, row) => {
      const vector = vectors.slice(row * dimensions, (row + 1) * dimensions);
      if (!isUnit(vector)) return reject(index, "invalid_vector", "The model returned a vector without a length.");
      return { index, vector, tokenCount, truncatedTokens: tokenCount - ids.length };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#inference[Symbol.asyncDispose]();
  }
}

function reject(index: number, rejected: RejectionReason, detail: string): TextOutcome {
  return { index, rejected, detail };
}

function isUnit(vector: Float32Array): boolean {
  return Math.abs(lengthOf(vector) - 1) < 1e-3;
}
