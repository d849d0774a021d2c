import { randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { filesRevision, type Model, ReembedError } from "@reembed/core";
import type { Dtype, PreparedDevice } from "@reembed/embedder";
import {
  builderVersion,
  encodeVector,
  exists,
  findExport,
  graphName,
  manifestName,
  type PreparedManifest,
  preparedFolder,
  preparedName,
  recordFiles,
  requiredFiles,
} from "@reembed/embedder/models";
import { layoutOf, openOnnxEmbedder } from "@reembed/embedder/onnx";
import { Tokenizer } from "@reembed/embedder/tokenizer";
import { floatArithmetic } from "../graph/arithmetic/float.ts";
import { int8Arithmetic } from "../graph/arithmetic/int8.ts";
import { writeEncoder } from "../graph/encoder-graph.ts";
import { type EncoderShape, readEncoderShape } from "../graph/encoder-shape.ts";
import { writePackedEncoder } from "../graph/packed-encoder-graph.ts";
import { writePlainEncoder } from "../graph/plain-encoder-graph.ts";
import type { Smoothing } from "../graph/smoothing.ts";
import { type EncoderWeights, openEncoderWeights, openModuleWeights } from "../weights/encoder-weights.ts";
import { calibrate } from "./calibrate.ts";
import { type Fidelity, fidelityOf } from "./fidelity.ts";
import { requireVocabulary } from "./require-vocabulary.ts";

export interface PrepareOptions {
  model: Model;
  /** The model's folder, in Hugging Face layout. */
  folder: string;
  device: PreparedDevice;
  dtype: Dtype;
  /** The texts that the prepared graph is checked with: a few dozen, of the languages and lengths that it will embed. */
  texts: readonly string[];
  /** The texts that int8 is calibrated with: other texts of the same kind. */
  samples: readonly string[];
  /** The least cosine similarity that is accepted; by default `leastCosines`. */
  minCosine?: number | undefined;
  onStep?: ((step: string) => void) | undefined;
}

export interface Preparation {
  /** Where it was installed. */
  folder: string;
  manifest: PreparedManifest;
  /** What it was compared with: the exported graph, or a graph built from the weights operator by operator. */
  reference: "export" | "weights";
  fidelity: Fidelity;
  /** For int8, the fidelity without and with calibration: the better one is installed. */
  calibration: { without: Fidelity; with: Fidelity } | undefined;
}

export const leastCosines: Readonly<Record<Dtype, number>> = { fp32: 0.9999, fp16: 0.999, int8: 0.99 };
/** The suffix of a folder until its graph is complete. */
const unfinished = ".partial";
const dayMs = 86_400_000;
const goldenText = "Зарплата выплачивается два раза в месяц. Salaries are paid twice a month.";

/**
 * Builds the fastest graph for a device from a model's weights. It is installed next to the model only if its vectors
 * agree with the original ones. Weights are read and written one after another, and graphs run in processes of their own,
 * so this process needs only the memory of the largest matrix.
 * @throws ReembedError of `readEncoderShape`, `requireVocabulary`, `openEncoderWeights` and `Embedder.embed`; `preparation_differs` (exit
 * code 3) if the vectors differ; nothing is installed then.
 */
export async function prepareModel(options: PrepareOptions): Promise<Preparation> {
  const { model, folder, device, dtype } = options;
  if (dtype === "int8" && device === "cuda") {
    throw new ReembedError("dtype_unsupported", "The graph for CUDA is in fp16 or fp32; int8 is for CPUs.", {
      exitCode: 2,
      remedy: "Leave --dtype out: fp16 is the fastest on a GPU.",
    });
  }
  const shape = await readEncoderShape(folder, model.pooling);
  await requireVocabulary(folder, shape.vocabulary);
  const { outputDimensions } = model;
  if (shape.dimensions !== outputDimensions) {
    const message = `${folder} gives vectors of ${shape.dimensions} dimensions; ${model.id} has ${outputDimensions}.`;
    throw new ReembedError("model_unusable", message, { exitCode: 2 });
  }
  if (shape.positions < model.maxTokens) {
    const message = `${folder} has ${shape.positions} positions; ${model.id} reads ${model.maxTokens} tokens.`;
    throw new ReembedError("model_unusable", message, { exitCode: 2 });
  }
  if (shape.distances > 0 && layoutOf(device, builderVersion) === "packed") {
    const message = `${folder} cannot be prepared for ${device}: its attention depends on distances.`;
    throw new ReembedError("encoder_unsupported", message, {
      exitCode: 2,
      remedy: "Run the exported graph, onnx/model.onnx, or prepare it for another device.",
    });
  }
  await removeLeftovers(join(folder, preparedName));
  const workshop = join(folder, preparedName, `${randomUUID()}${unfinished}`);
  await mkdir(workshop, { recursive: true });
  try {
    await using weights = await openEncoderWeights(folder);
    await using dense = shape.dense && (await openModuleWeights(folder, shape.dense.module));
    const { built, ...preparation } = await new Workshop(options, workshop, { shape, weights, dense }).prepare();
    const target = preparedFolder(folder, device);
    await rm(target, { recursive: true, force: true });
    await rename(built, target);
    return { ...preparation, folder: target };
  } finally {
    await rm(workshop, { recursive: true, force: true });
  }
}

/** Removes the folders of killed preparations, which may have gigabytes. No running preparation takes a day. */
async function removeLeftovers(folder: string): Promise<void> {
  if (!(await exists(folder))) return;
  const names = (await readdir(folder)).filter((name) => name.endsWith(unfinished));
  for (const path of names.map((name) => join(folder, name))) {
    const { mtimeMs } = await stat(path);
    if (mtimeMs < Date.now() - dayMs) await rm(path, { recursive: true, force: true });
  }
}

interface Encoder {
  shape: EncoderShape;
  weights: EncoderWeights;
  dense: EncoderWeights | undefined;
}

/** A graph that was built and checked. */
interface Candidate {
  folder: string;
  fidelity: Fidelity;
  golden: Float32Array;
  smoothed: boolean;
}

class Workshop {
  readonly #options: PrepareOptions;
  readonly #folder: string;
  readonly #encoder: Encoder;
  /** The original vectors, one per text. */
  #expected: Float32Array[] = [];

  constructor(options: PrepareOptions, folder: string, encoder: Encoder) {
    this.#options = options;
    this.#folder = folder;
    this.#encoder = encoder;
  }

  async prepare(): Promise<Omit<Preparation, "folder"> & { built: string }> {
    const { dtype, minCosine = leastCosines[dtype] } = this.#options;
    const reference = await this.#runOriginal();
    this.#say(`building ${dtype}`);
    const plain = await this.#build("plain");
    let best = plain;
    let calibration: Preparation["calibration"];
    if (dtype === "int8") {
      this.#say("calibrating");
      const calibrated = await this.#build("calibrated", await this.#calibrate());
      calibration = { without: plain.fidelity, with: calibrated.fidelity };
      if (calibrated.fidelity.leastCosine > plain.fidelity.leastCosine) best = calibrated;
    }
    const { fidelity } = best;
    if (!(fidelity.leastCosine >= minCosine)) throw differs(this.#options.model, dtype, fidelity, minCosine);
    const manifest = await this.#record(best);
    return { built: best.folder, manifest, reference, fidelity, calibration };
  }

  async #runOriginal(): Promise<Preparation["reference"]> {
    const { folder, texts } = this.#options;
    const exported = await findExport(folder);
    if (exported !== undefined) {
      this.#say(`embedding ${texts.length} texts with the exported graph`);
      this.#expected = await this.#vectorsOf(exported, false);
      return "export";
    }
    this.#say(`embedding ${texts.length} texts with the original weights`);
    const path = join(this.#folder, "original.onnx");
    await writePlainEncoder({ ...this.#encoder, path });
    this.#expected = await this.#vectorsOf(path, false);
    await Promise.all([rm(path), rm(`${path}.data`)]);
    return "weights";
  }

  async #build(name: string, smoothing?: Smoothing): Promise<Candidate> {
    const folder = join(this.#folder, name);
    await mkdir(folder);
    const path = join(folder, graphName);
    await this.#write(path, smoothing);
    const vectors = await this.#vectorsOf(path, true);
    const golden = vectors.pop() ?? new Float32Array();
    return {
      folder,
      golden,
      fidelity: fidelityOf(vectors, this.#expected.slice(0, -1)),
      smoothed: smoothing !== undefined,
    };
  }

  async #write(path: string, smoothing: Smoothing | undefined): Promise<void> {
    const { dtype, device } = this.#options;
    const elementType = dtype === "fp16" ? "float16" : "float32";
    if (layoutOf(device, builderVersion) === "packed") {
      await writePackedEncoder({ ...this.#encoder, path, elementType });
      return;
    }
    const arithmetic = dtype === "int8" ? int8Arithmetic : floatArithmetic(elementType);
    await writeEncoder({ ...this.#encoder, path, arithmetic, masked: device !== "cpu", smoothing });
  }

  async #calibrate(): Promise<Smoothing> {
    const { model, folder, samples } = this.#options;
    await using tokenizer = new Tokenizer(folder, model.maxTokens);
    const answers = await tokenizer.tokenize(samples);
    const path = join(this.#folder, "observed.onnx");
    const ids = answers.flatMap((answer) => ("ids" in answer ? [answer.ids] : []));
    const smoothing = await calibrate({ ...this.#encoder, path, samples: ids });
    await Promise.all([rm(path), rm(`${path}.data`)]);
    return smoothing;
  }

  /** The vectors of the texts, followed by that of the golden text. */
  async #vectorsOf(graph: string, prepared: boolean): Promise<Float32Array[]> {
    const { folder, texts } = this.#options;
    const device = prepared ? this.#options.device : "cpu";
    // Whole vectors are compared and recorded, whatever part of them a profile keeps.
    const model = { ...this.#options.model, dimensions: this.#options.model.outputDimensions };
    await using embedder = openOnnxEmbedder({ model, folder, graph, prepared, device });
    const outcomes = (await Array.fromAsync(embedder.embed([...texts, goldenText], { as: "bare" }))).flat();
    return outcomes
      .sort((a, b) => a.index - b.index)
      .map((outcome) => {
        if ("vector" in outcome) return outcome.vector;
        throw new ReembedError("model_unusable", `${graph} has no vector for text ${outcome.index}: ${outcome.detail}`);
      });
  }

  async #record({ folder, fidelity, golden, smoothed }: Candidate): Promise<PreparedManifest> {
    const { model, dtype } = this.#options;
    const { weights, dense } = this.#encoder;
    const sources = [...requiredFiles, ...weights.files, ...(dense?.files ?? [])];
    const manifest: PreparedManifest = {
      model: model.id,
      revision: filesRevision(model.revision),
      builder: builderVersion,
      dtype,
      dimensions: model.outputDimensions,
      pooling: this.#encoder.shape.pooling,
      smoothed,
      leastCosine: fidelity.leastCosine,
      sources: await recordFiles(this.#options.folder, sources),
      files: await recordFiles(folder, [graphName, `${graphName}.data`]),
      golden: { text: goldenText, vector: encodeVector(golden) },
    };
    await writeFile(join(folder, manifestName), `${JSON.stringify(manifest, null, 2)}\n`);
    return manifest;
  }

  #say(step: string): void {
    this.#options.onStep?.(step);
  }
}

function differs({ id }: Model, dtype: Dtype, { leastCosine }: Fidelity, minCosine: number): ReembedError {
  return new ReembedError(
    "preparation_differs",
    `The least cosine similarity between ${id} and its ${dtype} form is ${leastCosine.toFixed(5)}; at least ${minCosine} was expected.`,
    {
      exitCode: 3,
      remedy:
        dtype === "fp32"
          ? "Run the exported graph without preparing it."
          : "Prepare it with --dtype fp32, or accept less with --min-cosine.",
    },
  );
}
