import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadOnnxModel, type RunLayout, unitVector } from "@reembed/embedder/onnx";
import {
  type EncoderGraphOptions,
  type EncoderShape,
  floatArithmetic,
  int8Arithmetic,
  type PackedEncoderOptions,
  writeEncoder,
  writePackedEncoder,
  writePlainEncoder,
} from "@reembed/model-builder/graph";
import type { EncoderWeights, WeightTensor } from "@reembed/model-builder/weights";
import { expandPackedAttention } from "./expand-packed-attention.ts";

export const arithmetics = {
  fp32: floatArithmetic("float32"),
  fp16: floatArithmetic("float16"),
  int8: int8Arithmetic,
} as const;

/** The shape of a small XLM-RoBERTa, with changes. */
export function encoderShape(changes: Partial<EncoderShape> = {}): EncoderShape {
  return {
    layers: 2,
    hidden: 64,
    heads: 4,
    intermediate: 128,
    vocabulary: 500,
    positions: 256,
    positionOffset: 2,
    tokenTypes: 1,
    distances: 0,
    layerNormEpsilon: 1e-5,
    pooling: "cls",
    dense: undefined,
    dimensions: 64,
    ...changes,
  };
}

/**
 * Weights of realistic size, computed from the names and rows of their tensors.
 * @param outlier Size of every twentieth value of a token between the layers, where the others have size 1. In trained
 * encoders it is in the tens.
 */
export function randomWeights({ outlier = 1 } = {}): EncoderWeights {
  return {
    files: [],
    tensor(name, dims): WeightTensor {
      const columns = dims.slice(1).reduce((product, size) => product * size, 1);
      const readRows = async (start: number, end: number) => {
        const values = new Float32Array((end - start) * columns);
        const [base, spread] = rangeOf(name, dims[0] ?? 1);
        for (let index = 0; index < values.length; index++) {
          values[index] = base + spread * (random(name, start * columns + index) - 0.5);
        }
        // Not in the last norm: the cosine of a vector depends almost only on its large values.
        if (/(embeddings|attention\.output)\.LayerNorm\.weight$/.test(name)) {
          for (let index = 7; index < values.length; index += 20) values[index] = outlier;
        }
        return values;
      };
      return { name, dims, readRows };
    },
    async [Symbol.asyncDispose]() {},
  };
}

function rangeOf(name: string, inputs: number): [base: number, spread: number] {
  if (name.endsWith("LayerNorm.weight")) return [1, 0.2];
  if (name.endsWith("bias")) return [0, 0.1];
  return name.startsWith("embeddings.") ? [0, 0.2] : [0, Math.sqrt(12 / inputs)];
}

/** A number from 0 to 1: the finaliser of MurmurHash3, applied to the place. */
function random(name: string, place: number): number {
  let hash = place + 1;
  for (let index = 0; index < name.length; index++) hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

/** Random token ids, different for each seed. */
export function randomText(tokens: number, seed: number): Int32Array {
  return Int32Array.from({ length: tokens }, (_, place) => 5 + Math.floor(random(`text ${seed}`, place) * 490));
}

/** Runs texts together and returns their vectors, of length 1. */
type Run = (texts: readonly Int32Array[]) => Promise<Float32Array[]>;

/** Writes graphs to a temporary folder, which is removed on disposal. */
export async function testGraphs(): Promise<TestGraphs> {
  const folder = await mkdtemp(join(tmpdir(), "reembed-graphs-"));
  await writeFile(join(folder, "config.json"), JSON.stringify({ pad_token_id: 1 }));
  return new TestGraphs(folder);
}

class TestGraphs implements AsyncDisposable {
  readonly folder: string;
  #written = 0;

  constructor(folder: string) {
    this.folder = folder;
  }

  get nextPath(): string {
    return join(this.folder, `${this.#written++}.onnx`);
  }

  async encoder(options: Omit<EncoderGraphOptions, "path">): Promise<Run> {
    const path = this.nextPath;
    await writeEncoder({ ...options, path });
    return await this.#load(path, options.shape, true);
  }

  /** The graph for CUDA, with its attention expanded to plain operators that a CPU has. */
  async packed(options: Omit<PackedEncoderOptions, "path">): Promise<Run> {
    const path = this.nextPath;
    await writePackedEncoder({ ...options, path });
    await writeFile(path, expandPackedAttention(await readFile(path), options.shape));
    return await this.#load(path, options.shape, true, "packed");
  }

  async plain(options: Pick<EncoderGraphOptions, "shape" | "weights" | "dense">): Promise<Run> {
    const path = this.nextPath;
    await writePlainEncoder({ ...options, path });
    return await this.#load(path, options.shape, false);
  }

  async #load(graph: string, shape: EncoderShape, prepared: boolean, layout: RunLayout = "padded"): Promise<Run> {
    const { dimensions, pooling } = shape;
    const settings = { folder: this.folder, graph, prepared, layout, device: "cpu", dimensions, pooling };
    const run = await loadOnnxModel(settings);
    return async (texts) => {
      const lengths = Int32Array.from(texts, (ids) => ids.length);
      const vectors = await run({ id: 0, ids: Int32Array.from(texts.flatMap((ids) => [...ids])), lengths });
      const emitted = texts.map((_, row) => vectors.subarray(row * dimensions, (row + 1) * dimensions));
      return emitted.map((vector) => unitVector(vector, dimensions) ?? vector);
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true });
  }
}

/** Runs each text by itself, so that nothing is padded. */
export async function runAlone(run: Run, texts: readonly Int32Array[]): Promise<Float32Array[]> {
  return await Array.fromAsync(texts, async (ids) => (await run([ids]))[0] ?? new Float32Array());
}

/** The least cosine similarity between two lists of vectors of length 1, place by place. */
export function leastCosine(vectors: readonly Float32Array[], expected: readonly Float32Array[]): number {
  const cosines = vectors.map((vector, place) =>
    vector.reduce((sum, value, index) => sum + value * (expected[place]?.[index] ?? Number.NaN), 0),
  );
  return cosines.some(Number.isNaN) ? Number.NaN : Math.min(...cosines);
}

/** The largest difference between any two values. */
export function largestDifference(vectors: readonly Float32Array[], expected: readonly Float32Array[]): number {
  const differences = vectors.flatMap((vector, place) =>
    Array.from(vector, (value, index) => Math.abs(value - (expected[place]?.[index] ?? Number.NaN))),
  );
  return differences.some(Number.isNaN) ? Number.NaN : Math.max(...differences);
}
