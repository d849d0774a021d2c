import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { access, readdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { type Model, ReembedError } from "@reembed/core";

/** What a model folder must hold and hash to; `manifest.json` beside the files. */
export interface ModelManifest {
  model: string;
  revision: string;
  files: Record<string, { sha256: string; sizeBytes: number }>;
}

const bundledFolder = fileURLToPath(new URL("../../../models", import.meta.url));
const manifestName = "manifest.json";
export const requiredFiles: readonly string[] = ["config.json", "tokenizer.json", "onnx/model.onnx"];

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
  const recorded = await readManifest(folder);
  const expected = [...new Set([...requiredFiles, ...Object.keys(recorded?.files ?? {})])];
  for (const path of expected) {
    if (await exists(join(folder, path))) continue;
    const size = recorded?.files[path]?.sizeBytes;
    const what = size === undefined ? "" : `; ${size} bytes were expected`;
    throw new ReembedError("model_file_missing", `${join(folder, path)} is missing${what}.`, { remedy });
  }
  if (recorded === undefined) return await writeManifest(model, folder);
  if (recorded.revision !== model.revision) {
    throw new ReembedError(
      "model_revision_differs",
      `${folder} holds revision ${recorded.revision} of ${model.id}; ${model.revision} was expected.`,
      { remedy },
    );
  }
  for (const [path, file] of Object.entries(recorded.files)) await verifyFile(join(folder, path), file, remedy);
  return recorded;
}

async function verifyFile(path: string, expected: ModelManifest["files"][string], remedy: string): Promise<void> {
  const { size } = await stat(path);
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
  const manifest: ModelManifest = { model: model.id, revision: model.revision, files: {} };
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile() && entry.name !== manifestName && !entry.name.endsWith(".partial"))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  for (const path of paths) {
    const name = relative(folder, path).replaceAll("\\", "/");
    manifest.files[name] = { sha256: await sha256OfFile(path), sizeBytes: (await stat(path)).size };
  }
  // Renamed into place: a worker that starts at the same moment must not read half of it.
  const written = join(folder, `${manifestName}.${randomUUID()}.partial`);
  await writeFile(written, `${JSON.stringify(manifest, null, 2)}\n`);
  await rename(written, join(folder, manifestName));
  return manifest;
}

async function readManifest(folder: string): Promise<ModelManifest | undefined> {
  const path = join(folder, manifestName);
  if (!(await exists(path))) return undefined;
  try {
    return JSON.parse(await readFile(path, "utf8")) as ModelManifest;
  } catch (cause) {
    throw new ReembedError("model_file_altered", `${path} is not JSON.`, {
      cause,
      remedy: "Remove it to record the files anew.",
    });
  }
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
