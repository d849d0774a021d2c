import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { access, readdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { filesRevision, type Model, ReembedError } from "@reembed/core";
import { isHashed, revisionOf } from "./files-revision.ts";
import type { RecordedFiles } from "./recorded-files.ts";
import { weightKinds } from "./weight-kinds.ts";

/** `manifest.json` of a model's folder: the files that it must contain. Prepared graphs have manifests of their own. */
export interface ModelManifest {
  model: string;
  revision: string;
  files: RecordedFiles;
}

const bundledFolder = fileURLToPath(new URL("../../../../models", import.meta.url));
export const manifestName = "manifest.json";
/** The folder inside a model's folder that `reembed model prepare` writes. */
export const preparedName = "prepared";
/** The files that every model needs in addition to its weights. */
export const requiredFiles: readonly string[] = ["config.json", "tokenizer.json"];
export const exportedGraph = "onnx/model.onnx";
/** Where exports are: in repositories of the hub, and where Optimum's command line writes them. */
const exportedGraphs: readonly string[] = [exportedGraph, "model.onnx"];
/** Possible weight files, one of which a model's folder must have. */
export const weightFiles: readonly string[] = weightKinds.map(({ main }) => main);

/** The model's folder in Hugging Face layout: `<modelsFolder>/<id>`; for a stand-in, a folder of this repository. */
export function modelFolder(model: Pick<Model, "id" | "bundled">, modelsFolder: string): string {
  return join(model.bundled ? bundledFolder : modelsFolder, model.id);
}

/**
 * Checks every file of a model against its manifest. A folder that was filled by hand has no manifest: its hashes are
 * recorded the first time, so that later changes are noticed. Reads every file, at about one second per gigabyte.
 * @throws ReembedError `model_missing`, `model_file_missing`, `model_file_altered` or `model_revision_differs`.
 */
export async function verifyModelFiles(
  model: Pick<Model, "id" | "revision" | "bundled">,
  modelsFolder: string,
): Promise<ModelManifest> {
  const folder = modelFolder(model, modelsFolder);
  const remedy = model.bundled
    ? "Restore it with `git checkout models` or `npm run models`."
    : `Run \`reembed model pull ${model.id}\`, or copy the files there.`;
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
  const revision = filesRevision(model.revision);
  const manifest = recorded ?? (await writeManifest(model, folder));
  if (manifest.revision !== revision) {
    throw new ReembedError(
      "model_revision_differs",
      `${folder} holds revision ${manifest.revision} of ${model.id}; ${revision} was expected.`,
      { remedy },
    );
  }
  if (recorded !== undefined) await verifyFiles(folder, recorded.files, remedy);
  return manifest;
}

/** The recorded hashes of a model's files, without reading the files; empty if they were never checked here. */
export async function readRecordedFiles(model: Model, modelsFolder: string): Promise<RecordedFiles> {
  return (await readManifest<ModelManifest>(modelFolder(model, modelsFolder)))?.files ?? {};
}

/**
 * The path of the graph that was exported into a model's folder; undefined if there is none.
 * @throws ReembedError `model_ambiguous` if there are two.
 */
export async function findExport(folder: string): Promise<string | undefined> {
  const paths = exportedGraphs.map((name) => join(folder, name));
  const found = await Promise.all(paths.map((path) => exists(path)));
  if (!found.every(Boolean)) return paths[found.indexOf(true)];
  throw new ReembedError("model_ambiguous", `${folder} has two graphs: ${exportedGraphs.join(" and ")}.`, {
    exitCode: 2,
    remedy: "Move the one that is not meant out of the folder.",
  });
}

/**
 * Checks files against their recorded hashes and sizes.
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

/**
 * Hashes the files of a model's folder and writes the manifest. Nothing shows which commit files are from, so they are taken
 * for those of the model; a revision that is a hash itself is computed.
 */
export async function writeManifest(model: Pick<Model, "id" | "revision">, folder: string): Promise<ModelManifest> {
  const files = await recordFiles(folder, await listFiles(folder));
  const expected = filesRevision(model.revision);
  const manifest = { model: model.id, revision: isHashed(expected) ? revisionOf(files) : expected, files };
  await replaceFile(join(folder, manifestName), `${JSON.stringify(manifest, null, 2)}\n`);
  return manifest;
}

/** The files of a model's folder, without those that we wrote. The hub's cache has links to files, which count as files. */
export async function listFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => (entry.isFile() || entry.isSymbolicLink()) && !entry.name.endsWith(".partial"))
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll("\\", "/"))
    .filter((path) => path !== manifestName && !path.startsWith(`${preparedName}/`))
    .sort();
}

export async function recordFiles(folder: string, paths: readonly string[]): Promise<RecordedFiles> {
  const files: RecordedFiles = {};
  for (const path of paths) {
    const file = join(folder, path);
    files[path] = { sha256: await sha256OfFile(file), sizeBytes: (await stat(file)).size };
  }
  return files;
}

/** Writes to a temporary file and renames it, because a worker that starts now must not read half of the content. */
async function replaceFile(path: string, content: string): Promise<void> {
  const written = `${path}.${randomUUID()}.partial`;
  await writeFile(written, content);
  await rename(written, path);
}

/** @throws ReembedError `model_file_altered` if the manifest is not JSON. */
export async function readManifest<Manifest>(folder: string): Promise<Manifest | undefined> {
  const path = join(folder, manifestName);
  if (!(await exists(path))) return undefined;
  try {
    return JSON.parse(await readFile(path, "utf8")) as Manifest;
  } catch (cause) {
    throw new ReembedError("model_file_altered", `${path} is not JSON.`, {
      cause,
      remedy: "Remove it; the files are then recorded again.",
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
