import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { access, readdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { type Model, ReembedError } from "@reembed/core";

/** What files must hash to, by their paths relative to the folder of their manifest. */
export type RecordedFiles = Record<string, { sha256: string; sizeBytes: number }>;

/** What a model folder must hold; `manifest.json` beside the files. Prepared graphs have manifests of their own. */
export interface ModelManifest {
  model: string;
  revision: string;
  files: RecordedFiles;
}

const bundledFolder = fileURLToPath(new URL("../../../models", import.meta.url));
export const manifestName = "manifest.json";
/** Of what `reembed model prepare` writes, below the model's folder. */
export const preparedName = "prepared";
/** What every model needs beside its weights. */
export const requiredFiles: readonly string[] = ["config.json", "tokenizer.json"];
export const exportedGraph = "onnx/model.onnx";
/** Where weights are, in the order in which exported and prepared models are looked for. */
export const weightFiles: readonly string[] = [exportedGraph, "model.safetensors", "model.safetensors.index.json"];

/** The model's folder, in Hugging Face layout: below `modelsFolder` by its id, or in this repository for a stand-in. */
export function modelFolder(model: Model, modelsFolder: string): string {
  return join(model.bundled ? bundledFolder : modelsFolder, model.id);
}

/**
 * Checks every file of a model against its manifest. A folder that was filled by hand has none: its hashes are recorded
 * on first sight, so that later changes are noticed. Reads everything: about a second per gigabyte.
 * @throws ReembedError `model_missing`, `model_file_missing`, `model_file_altered` or `model_revision_differs`.
 */
export async function verifyModelFiles(model: Model, modelsFolder: string): Promise<ModelManifest> {
  const folder = modelFolder(model, modelsFolder);
  const remedy = model.bundled
    ? "Restore it with `git checkout models` or `npm run models`."
    : `Run \`reembed model pull ${model.id}\`, or put the files there yourself.`;
  if (!(await exists(folder))) {
    throw new ReembedError("model_missing", `The files of ${model.id} are not in ${folder}.`, { remedy });
  }
  const recorded = await readManifest<ModelManifest>(folder);
  const expected = [...new Set([...requiredFiles, ...Object.keys(recorded?.files ?? {})])];
  for (const path of expected) {
    if (!(await exists(join(folder, path))))
      throw missing(join(folder, path), recorded?.files[path]?.sizeBytes, remedy);
  }
  if (!(await hasAny(folder, weightFiles))) throw missing(join(folder, exportedGraph), undefined, remedy);
  if (recorded === undefined) return await writeManifest(model, folder);
  if (recorded.revision !== model.revision) {
    throw new ReembedError(
      "model_revision_differs",
      `${folder} holds revision ${recorded.revision} of ${model.id}; ${model.revision} was expected.`,
      { remedy },
    );
  }
  await verifyFiles(folder, recorded.files, remedy);
  return recorded;
}

/**
 * Checks files against what was recorded of them.
 * @throws ReembedError `model_file_missing` or `model_file_altered`.
 */
export async function verifyFiles(folder: string, files: RecordedFiles, remedy: string): Promise<void> {
  for (const [path, file] of Object.entries(files)) await verifyFile(join(folder, path), file, remedy);
}

async function verifyFile(path: string, expected: RecordedFiles[string], remedy: string): Promise<void> {
  const size = await stat(path).then(
    (found) => found.size,
    () => undefined,
  );
  if (size === undefined) throw missing(path, expected.sizeBytes, remedy);
  const sha256 = size === expected.sizeBytes ? await sha256OfFile(path) : undefined;
  if (sha256 === expected.sha256) return;
  const found =
    sha256 === undefined
      ? `${size} bytes instead of ${expected.sizeBytes}`
      : `sha256 ${sha256} instead of ${expected.sha256}`;
  throw new ReembedError("model_file_altered", `${path} was altered: ${found}.`, { remedy });
}

/** Hashes what is in a model folder and records it. */
export async function writeManifest(model: Model, folder: string): Promise<ModelManifest> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile() && !entry.name.endsWith(".partial"))
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll("\\", "/"))
    .filter((path) => path !== manifestName && !path.startsWith(`${preparedName}/`))
    .sort();
  const manifest = { model: model.id, revision: model.revision, files: await recordFiles(folder, paths) };
  await replaceFile(join(folder, manifestName), `${JSON.stringify(manifest, null, 2)}\n`);
  return manifest;
}

export async function recordFiles(folder: string, paths: readonly string[]): Promise<RecordedFiles> {
  const files: RecordedFiles = {};
  for (const path of paths) {
    const file = join(folder, path);
    files[path] = { sha256: await sha256OfFile(file), sizeBytes: (await stat(file)).size };
  }
  return files;
}

/** Renamed into place: a worker that starts at the same moment must not read half of it. */
async function replaceFile(path: string, content: string): Promise<void> {
  const written = `${path}.${randomUUID()}.partial`;
  await writeFile(written, content);
  await rename(written, path);
}

/** @throws ReembedError `model_file_altered` when it is not JSON. */
export async function readManifest<Manifest>(folder: string): Promise<Manifest | undefined> {
  const path = join(folder, manifestName);
  if (!(await exists(path))) return undefined;
  try {
    return JSON.parse(await readFile(path, "utf8")) as Manifest;
  } catch (cause) {
    throw new ReembedError("model_file_altered", `${path} is not JSON.`, {
      cause,
      remedy: "Remove it to record the files anew.",
    });
  }
}

function missing(path: string, sizeBytes: number | undefined, remedy: string): ReembedError {
  const what = sizeBytes === undefined ? "" : `; ${sizeBytes} bytes were expected`;
  return new ReembedError("model_file_missing", `${path} is missing${what}.`, { remedy });
}

async function hasAny(folder: string, paths: readonly string[]): Promise<boolean> {
  const found = await Promise.all(paths.map((path) => exists(join(folder, path))));
  return found.includes(true);
}

async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest("hex");
}

export async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
