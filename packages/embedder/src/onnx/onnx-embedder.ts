import { join } from "node:path";
import { type Model, ReembedError } from "@reembed/core";
import {
  type Embedder,
  type EmbedderObserver,
  promptOf,
  type TextOutcome,
  type TextRole,
  tryEmbedding,
} from "../embedder.ts";
import { checkGoldenVector } from "../models/golden-vector.ts";
import { exportedGraph, findExport, modelFolder, verifyModelFiles } from "../models/model-files.ts";
import {
  builderVersion,
  graphName,
  preparedFolder,
  readPrepared,
  verifyPreparedFiles,
} from "../models/prepared-graph.ts";
import { outcomesOf, readTexts, type TextInput } from "../tokenizer/text-inputs.ts";
import { Tokenizer } from "../tokenizer/tokenizer.ts";
import { type InferenceResult, modelThreads } from "./inference-messages.ts";
import { InferenceProcess } from "./inference-process.ts";
import { findTokenBudget } from "./micro-batches.ts";
import { layoutOf, packRuns, type RunLayout, tokensOfRun } from "./run-layout.ts";
import { RunTurns } from "./run-turns.ts";

export interface OnnxEmbedderOptions {
  model: Model;
  modelsFolder: string;
  /** An execution provider of ONNX Runtime. */
  device: string;
  /** Maximum number of tokens per run, padding included. If unset, a GPU's budget is measured. */
  tokenBudget?: number | undefined;
  /** Threads of a run on the CPU. Set it below the number of cores if several embedders share them. */
  threads?: number | undefined;
  observer?: EmbedderObserver | undefined;
}

/** The budget of a CPU, where only texts of equal length share a run. */
const cpuBudget = 4_096;

/**
 * Starts an embedder that runs the model in a child process. It takes the graph that was prepared for the device, or else
 * the exported one. When this returns, the files are checked, and the golden vector if there is one. The files of a
 * prepared graph are hashed while tokenizer and graph are loaded: each takes about a second for BGE-M3.
 * @throws ReembedError of `readPrepared`, `verifyPreparedFiles`, `verifyModelFiles`, `checkGoldenVector`; `model_not_prepared`,
 * `tokenizer_invalid`, `device_unavailable` or `model_unusable`.
 */
export async function startOnnxEmbedder(options: OnnxEmbedderOptions): Promise<Embedder> {
  const { model, modelsFolder, device } = options;
  const folder = modelFolder(model, modelsFolder);
  const prepared = await readPrepared(model, folder, device);
  const graph = prepared
    ? join(preparedFolder(folder, device), graphName)
    : await verifyExport(model, modelsFolder, device);
  const layout = layoutOf(device, prepared?.builder);
  const embedder = openOnnxEmbedder({ ...options, folder, graph, prepared: prepared !== undefined, layout });
  try {
    const verified = prepared && verifyPreparedFiles(model, folder, { device, manifest: prepared });
    const [files, first] = await Promise.allSettled([verified, tryEmbedding(embedder, prepared?.golden.text)]);
    // A damaged file may also make the model fail; the error that names the file is the useful one.
    if (files.status === "rejected") throw files.reason;
    if (first.status === "rejected") throw first.reason;
    const outcome = first.value;
    if ("rejected" in outcome) throw new ReembedError("model_unusable", outcome.detail);
    if (prepared !== undefined) checkGoldenVector(outcome.vector, prepared);
    if (options.tokenBudget === undefined && device !== "cpu") await embedder.findTokenBudget();
    return embedder;
  } catch (error) {
    await embedder[Symbol.asyncDispose]();
    throw error;
  }
}

async function verifyExport(model: Model, modelsFolder: string, device: string): Promise<string> {
  await verifyModelFiles(model, modelsFolder);
  const folder = modelFolder(model, modelsFolder);
  const found = await findExport(folder);
  if (found !== undefined) return found;
  const path = join(folder, exportedGraph);
  throw new ReembedError("model_not_prepared", `${model.id} has weights, but no graph for ${device}: no ${path}.`, {
    remedy: `Run \`reembed model prepare ${model.id} --device ${device.replace(/:.*/, "")}\`.`,
  });
}

interface GraphOptions extends Omit<OnnxEmbedderOptions, "modelsFolder"> {
  /** The folder of the model, with its tokenizer. */
  folder: string;
  /** Path of the ONNX file. */
  graph: string;
  prepared: boolean;
  /** How texts share a run of this graph; by default `layoutOf`. */
  layout?: RunLayout | undefined;
}

/** An embedder for any graph. Nothing is checked, and no process is started before the first text. */
export function openOnnxEmbedder(options: GraphOptions): OnnxEmbedder {
  return new OnnxEmbedder(options);
}

class OnnxEmbedder implements Embedder {
  readonly model: Model;
  readonly device: string;
  readonly #tokenizer: Tokenizer;
  readonly #inference: InferenceProcess;
  readonly #layout: RunLayout;
  readonly #observer: EmbedderObserver | undefined;
  readonly #turns: RunTurns;
  #batches = 0;
  #tokenBudget: number;

  constructor(options: GraphOptions) {
    const { model, folder, graph, prepared, device, threads, tokenBudget = cpuBudget, observer } = options;
    this.model = model;
    this.device = device;
    this.#layout = options.layout ?? layoutOf(device, prepared ? builderVersion : undefined);
    this.#tokenBudget = tokenBudget;
    this.#tokenizer = new Tokenizer(folder, model.maxTokens);
    const { outputDimensions: dimensions, pooling } = model;
    const settings = { folder, graph, prepared, layout: this.#layout, device, threads, dimensions, pooling };
    this.#inference = new InferenceProcess(settings, () => observer?.restarted());
    this.#observer = observer;
    // For each run in the model, the next one already waits in the child.
    this.#turns = new RunTurns(2 * modelThreads(device));
    observer?.budgeted(tokenBudget);
  }

  /** The next run already waits in the child while one is in the model, so that the model never idles. */
  async *embed(texts: readonly string[], { as }: { as: TextRole }): AsyncGenerator<TextOutcome[]> {
    this.#inference.assertOpen();
    this.#inference.prepare();
    const { inputs, rejected } = await readTexts(texts, {
      tokenizer: this.#tokenizer,
      prompt: promptOf(this.model, as),
      observer: this.#observer,
    });
    if (rejected.length > 0) yield rejected;
    const batch = this.#batches++;
    const ahead: Promise<TextOutcome[]>[] = [];
    for (const microBatch of this.#pack(inputs)) {
      const run = this.#run(microBatch, batch);
      // If the caller stops, or the run before fails, nobody awaits this run: its rejection must not go unhandled.
      run.catch(() => undefined);
      ahead.push(run);
      if (ahead.length > 1) yield (await ahead.shift()) ?? [];
    }
    for (const run of ahead) yield await run;
  }

  #pack(inputs: readonly TextInput[]): TextInput[][] {
    const runs = packRuns(this.#layout, lengthsOf(inputs), this.#tokenBudget);
    return runs.map(({ indexes }) => indexes.flatMap((index) => inputs[index] ?? []));
  }

  /** After a run was out of memory, halves the budget for good and repeats the texts in smaller runs. */
  async #run(inputs: readonly TextInput[], batch: number): Promise<TextOutcome[]> {
    const tokens = tokensOfRun(this.#layout, lengthsOf(inputs));
    if (tokens > this.#tokenBudget && inputs.length > 1) return await this.#runApart(inputs, batch);
    try {
      return await this.#runTogether(inputs, batch);
    } catch (error) {
      if (!isOutOfMemory(error) || inputs.length === 1) throw error;
      this.#setBudget(Math.min(this.#tokenBudget, Math.ceil(tokens / 2)));
      return await this.#runApart(inputs, batch);
    }
  }

  async #runApart(inputs: readonly TextInput[], batch: number): Promise<TextOutcome[]> {
    const outcomes: TextOutcome[] = [];
    for (const part of this.#pack(inputs)) outcomes.push(...(await this.#run(part, batch)));
    return outcomes;
  }

  async #runTogether(inputs: readonly TextInput[], batch: number): Promise<TextOutcome[]> {
    const rows = inputs.map(({ ids }) => ids);
    const { vectors, seconds } = await this.#turns.take(batch, () => this.#infer(rows));
    const lengths = lengthsOf(inputs);
    const tokens = lengths.reduce((sum, length) => sum + length, 0);
    const padding = tokensOfRun(this.#layout, lengths) - tokens;
    this.#observer?.ran({ texts: inputs.length, tokens, padding, seconds });
    const { dimensions, outputDimensions } = this.model;
    return inputs.flatMap((input, row) => {
      const emitted = vectors.subarray(row * outputDimensions, (row + 1) * outputDimensions);
      return outcomesOf(input, emitted, dimensions);
    });
  }

  async #infer(rows: readonly Int32Array[]): Promise<InferenceResult> {
    const lengths = Int32Array.from(rows, (ids) => ids.length);
    const ids = new Int32Array(lengths.reduce((sum, length) => sum + length, 0));
    let start = 0;
    for (const row of rows) {
      ids.set(row, start);
      start += row.length;
    }
    return await this.#inference.run({ ids, lengths });
  }

  /** Tries runs of more and more tokens and keeps the number at which the device is fastest. */
  async findTokenBudget(): Promise<void> {
    const length = Math.min(512, this.model.maxTokens);
    const found = await findTokenBudget(async (tokens) => {
      const rows = Array.from({ length: Math.ceil(tokens / length) }, () => new Int32Array(length).fill(5));
      try {
        // The first run of a shape also allocates memory and plans. Of the others the fastest counts: other load on the machine
        // only ever makes a run slower.
        await this.#infer(rows);
        const seconds = await Array.fromAsync({ length: 3 }, async () => (await this.#infer(rows)).seconds);
        return (rows.length * length) / Math.min(...seconds);
      } catch (error) {
        if (isOutOfMemory(error)) return undefined;
        throw error;
      }
    });
    this.#setBudget(found);
  }

  #setBudget(tokens: number): void {
    this.#tokenBudget = tokens;
    this.#observer?.budgeted(tokens);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#inference[Symbol.asyncDispose]();
    await this.#tokenizer[Symbol.asyncDispose]();
  }
}

function lengthsOf(inputs: readonly TextInput[]): number[] {
  return inputs.map(({ ids }) => ids.length);
}

function isOutOfMemory(error: unknown): boolean {
  return error instanceof ReembedError && error.code === "out_of_memory";
}
