import { join } from "node:path";
import { filesRevision, type Model, type Pooling, ReembedError } from "@reembed/core";
import { manifestName, preparedName, readManifest, verifyFiles } from "./model-files.ts";
import type { RecordedFiles } from "./recorded-files.ts";

/** The most precise first. */
const dtypes = ["fp32", "fp16", "int8"] as const;
export type Dtype = (typeof dtypes)[number];

/** `manifest.json` beside a prepared graph. */
export interface PreparedManifest {
  model: string;
  revision: string;
  /** Version of the graph builder. A graph of a newer version may need features that this version does not have. */
  builder: number;
  dtype: Dtype;
  dimensions: number;
  /** Not in graphs of earlier versions, which do not say it. */
  pooling?: Pooling;
  /** Whether the weights contain the factors of a calibration. */
  smoothed: boolean;
  /** The least cosine similarity to the original vectors, over the texts that it was checked with. */
  leastCosine: number;
  /** The files that it was made from, relative to the model's folder. */
  sources: RecordedFiles;
  /** Its own files, relative to its folder. */
  files: RecordedFiles;
  /** A text and its vector, as base64 of little-endian float32. */
  golden: { text: string; vector: string };
}

/** The devices that graphs are prepared for: execution providers of ONNX Runtime. */
export const devices = ["cpu", "cuda", "webgpu"] as const;
export type PreparedDevice = (typeof devices)[number];

/**
 * Version 2 computes int8 with fewer passes over the values and leaves out the biases that attention does not need.
 * Version 3 adds packed graphs for CUDA. Graphs of older versions are still served: their vectors agree with the
 * original ones within the same bounds.
 */
export const builderVersion = 3;
export const graphName = "model.onnx";
/** Those of the model's own files that a worker with a prepared graph reads. */
const readAlongside: readonly string[] = ["config.json", "tokenizer.json"];

/** A graph for a GPU serves all GPUs of its kind. */
export function preparedFolder(folder: string, device: string): string {
  return join(folder, preparedName, device.replace(/:.*/, ""));
}

/**
 * Checks the files that `reembed model prepare` wrote for a device.
 * @returns Undefined if nothing was prepared for the device.
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
 * Reads the manifest of the graph that was prepared for a device. The other files are not checked.
 * @returns Undefined if nothing was prepared for the device.
 * @throws ReembedError `model_file_altered`, `model_revision_differs`, `prepared_outdated` or `prepared_differs` (exit code 2).
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
  const revision = filesRevision(model.revision);
  if (manifest.revision !== revision) {
    const message = `${made} from revision ${manifest.revision} of ${model.id}; ${revision} was expected.`;
    throw new ReembedError("model_revision_differs", message, { remedy });
  }
  if (manifest.builder > builderVersion) {
    const message = `${made} by version ${manifest.builder} of the graph builder; this is version ${builderVersion}.`;
    throw new ReembedError("prepared_outdated", message, { remedy });
  }
  if (!isPooledAs(manifest, model)) {
    const message = `${made} with the pooling ${manifest.pooling}; ${model.id} is wanted with ${model.pooling}.`;
    throw new ReembedError("prepared_differs", message, {
      exitCode: 2,
      remedy: `A folder has one graph for a device. If no profile uses that one, run \`reembed model prepare ${model.id} --pooling ${model.pooling}\`; otherwise add the model from a folder, under another name with --id.`,
    });
  }
  return manifest;
}

/** Whether a graph pools as the model does. What a server has is pooled there, and nobody has said how. */
function isPooledAs({ pooling }: PreparedManifest, model: Model): boolean {
  return pooling === undefined || model.endpoint !== undefined || pooling === model.pooling;
}

/**
 * Hashes the files that a worker reads, at about one second per gigabyte.
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
    : `Run \`reembed model prepare ${model.id}\` again, or remove ${own} to run the exported graph.`;
}

/**
 * The golden vector of the most precise graph of the model's revision, for whoever runs the model elsewhere. Undefined if
 * nothing was prepared.
 */
export async function findGolden(model: Model, folder: string): Promise<PreparedManifest | undefined> {
  const manifests = await Promise.all(
    devices.map((device) => readManifest<PreparedManifest>(preparedFolder(folder, device))),
  );
  const revision = filesRevision(model.revision);
  const ofRevision = manifests.filter((manifest) => manifest?.revision === revision && isPooledAs(manifest, model));
  return dtypes.flatMap((dtype) => ofRevision.find((manifest) => manifest?.dtype === dtype) ?? [])[0];
}

/** Lists the devices that a model is prepared for; nothing is checked. */
export async function listPrepared(folder: string): Promise<{ device: string; dtype: Dtype }[]> {
  const found = await Promise.all(
    devices.map(async (device) => ({
      device,
      dtype: (await readManifest<PreparedManifest>(preparedFolder(folder, device)))?.dtype,
    })),
  );
  return found.flatMap(({ device, dtype }) => (dtype === undefined ? [] : [{ device, dtype }]));
}
