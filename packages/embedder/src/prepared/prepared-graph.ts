import { join } from "node:path";
import { type Model, ReembedError } from "@reembed/core";
import { manifestName, preparedName, type RecordedFiles, readManifest, verifyFiles } from "../model-files.ts";

export type Dtype = "fp32" | "fp16" | "int8";

/** `manifest.json` beside a prepared graph. */
export interface PreparedManifest {
  model: string;
  revision: string;
  /** Of the graph builder. What a newer one made may need what this one does not know. */
  builder: number;
  dtype: Dtype;
  dimensions: number;
  /** Whether the factors of a calibration are in the weights. */
  smoothed: boolean;
  /** Least cosine similarity to the vectors of the original, over the texts that it was judged by. */
  leastCosine: number;
  /** The files that it was made from, relative to the model's folder. */
  sources: RecordedFiles;
  /** Its own, relative to its folder. */
  files: RecordedFiles;
  /** A text and its vector, as base64 of float32 in the order of bytes of x86. */
  golden: { text: string; vector: string };
}

/** What graphs are prepared for: execution providers of ONNX Runtime. */
export const devices = ["cpu", "cuda", "webgpu"] as const;
export type PreparedDevice = (typeof devices)[number];

/**
 * 2 computes int8 with fewer operators and leaves out the biases that attention does not need. Graphs of version 1 are
 * served as they are: both have the vectors of the original within the same bounds.
 */
/** 2: fewer passes over the values of int8. 3: packed for CUDA. */
export const builderVersion = 3;
export const graphName = "model.onnx";
/** Of the model's own files, those that a worker with a prepared graph reads. */
const readAlongside: readonly string[] = ["config.json", "tokenizer.json"];
/** Kernels of different processors round differently, by 1e-4 at most; damaged weights give NaN or another direction. */
const goldenCosine = 0.999;

/** A GPU's graph serves all GPUs of its kind. */
export function preparedFolder(folder: string, device: string): string {
  return join(folder, preparedName, device.replace(/:.*/, ""));
}

/**
 * Checks what `reembed model prepare` has written for a device.
 * @returns Undefined when nothing was prepared for it.
 * @throws ReembedError of `readPrepared` and `verifyPreparedFiles`.
 */
export async function verifyPrepared(
  model: Model,
  folder: string,
  device: string,
): Promise<PreparedManifest | undefined> {
  const manifest = await readPrepared(model, folder, device);
  if (manifest !== undefined) await verifyPreparedFiles(model, folder, { device, manifest });
  return manifest;
}

/**
 * The manifest of what was prepared for a device; the files themselves are not looked at.
 * @returns Undefined when nothing was prepared for it.
 * @throws ReembedError `model_file_altered`, `model_revision_differs` or `prepared_outdated`.
 */
export async function readPrepared(
  model: Model,
  folder: string,
  device: string,
): Promise<PreparedManifest | undefined> {
  const own = preparedFolder(folder, device);
  const manifest = await readManifest<PreparedManifest>(own);
  if (manifest === undefined) return undefined;
  const remedy = remedyOf(model, own);
  const made = `${join(own, manifestName)} was made`;
  if (manifest.revision !== model.revision) {
    const message = `${made} from revision ${manifest.revision} of ${model.id}; ${model.revision} was expected.`;
    throw new ReembedError("model_revision_differs", message, { remedy });
  }
  if (manifest.builder > builderVersion) {
    const message = `${made} by version ${manifest.builder} of the graph builder; this is version ${builderVersion}.`;
    throw new ReembedError("prepared_outdated", message, { remedy });
  }
  return manifest;
}

/**
 * Hashes what a worker reads: a second for each gigabyte.
 * @throws ReembedError `model_file_missing` or `model_file_altered`.
 */
export async function verifyPreparedFiles(
  model: Model,
  folder: string,
  { device, manifest }: { device: string; manifest: PreparedManifest },
): Promise<void> {
  const own = preparedFolder(folder, device);
  const remedy = remedyOf(model, own);
  await verifyFiles(own, manifest.files, remedy);
  const alongside = Object.entries(manifest.sources).filter(([path]) => readAlongside.includes(path));
  await verifyFiles(folder, Object.fromEntries(alongside), remedy);
}

function remedyOf(model: Model, own: string): string {
  return model.bundled
    ? "Restore it with `git checkout models`."
    : `Run \`reembed model prepare ${model.id}\` again, or remove ${own} to run the model as it was exported.`;
}

/** What was prepared for a model's devices; nothing is checked. */
export async function listPrepared(folder: string): Promise<{ device: string; dtype: Dtype }[]> {
  const found = await Promise.all(
    devices.map(async (device) => ({
      device,
      dtype: (await readManifest<PreparedManifest>(preparedFolder(folder, device)))?.dtype,
    })),
  );
  return found.flatMap(({ device, dtype }) => (dtype === undefined ? [] : [{ device, dtype }]));
}

/** @throws ReembedError `golden_vector_differs`: what this machine computes is not what was prepared. */
export function checkGoldenVector(vector: Float32Array, { model, golden }: PreparedManifest): void {
  const expected = decodeVector(golden.vector);
  const cosine = vector.reduce((sum, value, index) => sum + value * (expected[index] ?? Number.NaN), 0);
  if (cosine >= goldenCosine) return;
  throw new ReembedError(
    "golden_vector_differs",
    `The vector of the golden text of ${model} has a cosine similarity of ${cosine.toFixed(4)} to the one that was ` +
      `recorded when it was prepared; at least ${goldenCosine} was expected.`,
    { remedy: `Run \`reembed model prepare ${model}\` on this machine.` },
  );
}

export function encodeVector(vector: Float32Array): string {
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString("base64");
}

function decodeVector(encoded: string): Float32Array {
  const bytes = Buffer.from(encoded, "base64");
  return Float32Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readFloatLE(index * 4));
}
