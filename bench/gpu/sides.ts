import type { Model } from "@reembed/core";
import { type Embedder, tryEmbedding } from "@reembed/embedder";
import { openOnnxEmbedder } from "@reembed/embedder/onnx";
import { defaultConcurrency } from "@reembed/worker";
import { roundTo } from "../embed/figures.ts";
import type { RandomModel } from "../embed/random-model.ts";
import { ModelTime } from "../worker/model-time.ts";
import { type GpuUse, watchGpu } from "./gpu-watch.ts";

/** A worker's settings: chunks per batch, and concurrent batches. */
export const batchSize = 64;
const concurrency = defaultConcurrency("cuda");

export interface GpuRun extends GpuUse {
  tokens: number;
  seconds: number;
  tokensPerSecond: number;
  /** Share of the time between the first and the last run in which no run was in the model. */
  modelIdle: number;
  tokenBudget: number;
  padding: number;
}

class RunObserver extends ModelTime {
  tokenBudget = 0;
  padding = 0;
  readonly budgets: number[] = [];

  override ran(run: { seconds: number; padding: number }): void {
    super.ran(run);
    this.padding += run.padding;
  }

  override budgeted(tokens?: number): void {
    this.tokenBudget = tokens ?? 0;
    this.budgets.push(this.tokenBudget);
  }
}

export interface OpenGpuEmbedder extends AsyncDisposable {
  embedder: Embedder & { findTokenBudget(): Promise<void> };
  observer: RunObserver;
}

/** The embedder of workers, with a float32 graph on a CPU. If no token budget is given, that of a GPU is measured. */
export async function openGpuEmbedder(
  { model, folder, graph }: RandomModel,
  { device = "cuda", maxTokens, tokenBudget }: { device?: string; maxTokens?: number; tokenBudget?: number } = {},
): Promise<OpenGpuEmbedder> {
  const observer = new RunObserver();
  const cut: Model = { ...model, maxTokens: maxTokens ?? model.maxTokens };
  const kind = device === "cpu" ? "fp32" : "packed-fp16";
  const options = { model: cut, folder, graph: graph(kind), prepared: true, device, tokenBudget, observer };
  const embedder = openOnnxEmbedder(options);
  await tryEmbedding(embedder);
  if (tokenBudget === undefined && device !== "cpu") await embedder.findTokenBudget();
  return { embedder, observer, [Symbol.asyncDispose]: () => embedder[Symbol.asyncDispose]() };
}

/** Embeds the texts as a worker does, but without queue and database. */
export async function runTexts({ embedder, observer }: OpenGpuEmbedder, texts: readonly string[]): Promise<GpuRun> {
  const watch = watchGpu();
  observer.take();
  observer.padding = 0;
  let tokens = 0;
  let next = 0;
  const startedAt = performance.now();
  const embedBatches = async () => {
    while (next < texts.length) {
      const batch = texts.slice(next, next + batchSize);
      next += batchSize;
      for await (const outcomes of embedder.embed(batch, { as: "passage" })) {
        for (const outcome of outcomes) {
          if ("rejected" in outcome) throw new Error(`A text was rejected: ${outcome.detail}`);
          tokens += outcome.tokenCount - outcome.truncatedTokens;
        }
      }
    }
  };
  await Promise.all(Array.from({ length: concurrency }, embedBatches));
  const seconds = (performance.now() - startedAt) / 1_000;
  const modelIdle = roundTo(observer.takeIdleShare(), 4);
  const use = await watch.read();
  return {
    tokens,
    seconds: roundTo(seconds, 3),
    tokensPerSecond: Math.round(tokens / seconds),
    modelIdle,
    ...use,
    busy: roundTo(use.busy, 3),
    tokenBudget: observer.tokenBudget,
    padding: observer.padding,
  };
}

/** The vectors in the order of the texts. */
export async function vectorsOf({ embedder }: OpenGpuEmbedder, texts: readonly string[]): Promise<Float32Array[]> {
  const vectors: Float32Array[] = [];
  for await (const outcomes of embedder.embed(texts, { as: "passage" })) {
    for (const outcome of outcomes) {
      if ("rejected" in outcome) throw new Error(`Text ${outcome.index} was rejected: ${outcome.detail}`);
      vectors[outcome.index] = outcome.vector;
    }
  }
  return vectors;
}
