import { constants } from "node:fs";
import { copyFile, mkdir, readdir, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { isModelId, ReembedError } from "@reembed/core";
import { filesThatMatter, revisionOf } from "./files-revision.ts";
import {
  exists,
  exportedGraph,
  findExport,
  listFiles,
  manifestName,
  preparedName,
  recordFiles,
  requiredFiles,
  weightFiles,
  writeManifest,
} from "./model-files.ts";
import { readFilesRevision } from "./pin-model.ts";
import { wantedWeights } from "./weight-kinds.ts";

/** Files besides those that vectors depend on, which `model prepare` or a reader of the folder needs. */
const alsoUseful = /^([\w.-]+\.json|vocab\.txt|sentencepiece\.bpe\.model)$/;
/** Where optimum writes its exports. */
const exportsAtTheTop = /^(model\.onnx([._]data[\w.-]*)?)$/;
const hubSnapshot = /models--([^/\\]+)--([^/\\]+)[/\\]snapshots[/\\]([0-9a-f]{40})$/;

export interface ModelSourceFolder {
  folder: string;
  /** What it is called below MODELS_DIR, unless somebody says otherwise. */
  id: string;
  /** The commit, if the hub's own cache says it. */
  commit: string | undefined;
}

/**
 * Looks at a folder with a model, in Hugging Face layout, in the hub's cache, or as optimum exports it.
 * @throws ReembedError `folder_missing`, `model_ambiguous`, `model_file_missing` or `model_no_weights` (exit code 2).
 */
export async function findModelFolder(given: string, modelsFolder: string): Promise<ModelSourceFolder> {
  const there = await stat(given).catch(() => undefined);
  if (!there?.isDirectory()) throw unusable("folder_missing", `There is no folder ${given}.`);
  const folder = await realpath(given);
  const files = await listFiles(folder);
  if (!files.includes("config.json")) throw await withoutConfig(given, folder);
  for (const required of requiredFiles) {
    if (files.includes(required)) continue;
    throw unusable(
      "model_file_missing",
      `${given} has no ${required}.`,
      required === "tokenizer.json"
        ? "Save the fast tokenizer there: AutoTokenizer.from_pretrained(…).save_pretrained(…)."
        : undefined,
    );
  }
  await requireWeights(given, files);
  const [, owner, name, commit] = hubSnapshot.exec(folder) ?? [];
  const inside = relative(resolve(modelsFolder), folder);
  const placed = inside !== "" && !inside.startsWith("..") ? inside.split(sep).join("/") : undefined;
  const own = owner === undefined ? basename(folder) : `${owner}/${name}`;
  return { folder, id: placed ?? own, commit };
}

async function requireWeights(given: string, files: readonly string[]): Promise<void> {
  const graphs = files.filter((path) => path.endsWith(".onnx") && !path.startsWith(`${preparedName}/`));
  if ((await findExport(given)) !== undefined || weightFiles.some((path) => files.includes(path))) return;
  const others = files.filter((path) => /\.(onnx|bin|pt|h5|msgpack|gguf)$/.test(path));
  throw unusable(
    "model_no_weights",
    `${given} has none of ${wantedWeights}${others.length === 0 ? "" : `, only ${others.join(", ")}`}.`,
    graphs.length > 0
      ? `Rename the graph that is meant to ${exportedGraph}.`
      : "Save it with safe_serialization=True, or export it with `optimum-cli export onnx --task feature-extraction`.",
  );
}

async function withoutConfig(given: string, folder: string): Promise<ReembedError> {
  const entries = (await readdir(folder)).sort();
  const models: string[] = [];
  for (const entry of entries) if (await exists(join(folder, entry, "config.json"))) models.push(entry);
  const own = models.filter((name) => !/^\d+_/.test(name));
  if (own.length === 0)
    return unusable(
      "model_file_missing",
      `${given} has no config.json.`,
      "Give the folder of a model in Hugging Face layout.",
    );
  const which = own.map((name) => join(given, name)).join(", ");
  return unusable(
    "model_ambiguous",
    `${given} is no model, and holds ${own.length}: ${which}.`,
    "Give one of these folders.",
  );
}

/**
 * Copies the files of a model to its place below MODELS_DIR, with a graph that was prepared from them. A folder that is
 * below MODELS_DIR already stays where it is.
 * @returns The folder, and the revision of its files.
 * @throws ReembedError `model_unusable` or `model_taken` (exit code 2).
 */
export async function installFolder(
  source: ModelSourceFolder,
  id: string,
  modelsFolder: string,
): Promise<{ folder: string; revision: string }> {
  if (!isModelId(id)) {
    const message = `${id} cannot name a model: it may have letters, digits, -, _ and ., and one / between two parts.`;
    throw unusable("model_unusable", message, "Give another name with --id.");
  }
  const target = join(resolve(modelsFolder), id);
  const revision = source.commit ?? (await revisionWhenInstalled(source.folder));
  if (target === source.folder) return { folder: target, revision };
  if (!(await exists(target))) {
    await copyModel(source.folder, `${target}.partial`);
    await writeManifest({ id, revision }, `${target}.partial`);
    await rename(`${target}.partial`, target);
  }
  const there = await readFilesRevision(target);
  if (there === revision) return { folder: target, revision };
  const message = `${target} holds revision ${there}, and ${source.folder} is ${revision}.`;
  throw unusable("model_taken", message, "Give the model another name with --id, or remove that folder.");
}

async function revisionWhenInstalled(folder: string): Promise<string> {
  if (await exists(join(folder, manifestName))) return await readFilesRevision(folder);
  const files = await recordFiles(folder, wantedOf(await listFiles(folder)));
  return revisionOf(Object.fromEntries(Object.entries(files).map(([path, file]) => [placeOf(path), file])));
}

async function copyModel(folder: string, target: string): Promise<void> {
  await rm(target, { recursive: true, force: true });
  for (const path of wantedOf(await listFiles(folder))) {
    await copyOne(join(folder, path), join(target, placeOf(path)));
  }
  const prepared = join(folder, preparedName);
  if (!(await exists(prepared))) return;
  for (const entry of await readdir(prepared, { recursive: true, withFileTypes: true })) {
    const from = join(entry.parentPath, entry.name);
    if (entry.isFile()) await copyOne(from, join(target, relative(folder, from)));
  }
}

function wantedOf(paths: readonly string[]): string[] {
  const matter = filesThatMatter(paths.map(placeOf));
  return paths.filter((path) => matter.includes(placeOf(path)) || alsoUseful.test(path));
}

function placeOf(path: string): string {
  return exportsAtTheTop.test(path) ? `onnx/${path}` : path;
}

async function copyOne(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  // A file system that can, shares the bytes until one of the files changes.
  await copyFile(from, to, constants.COPYFILE_FICLONE);
}

function unusable(code: string, message: string, remedy?: string): ReembedError {
  return new ReembedError(code, message, { exitCode: 2, ...(remedy === undefined ? {} : { remedy }) });
}
