import { join } from "node:path";
import { ReembedError, unpinned } from "@reembed/core";
import {
  exists,
  type ModelManifest,
  modelFolder,
  readManifest,
  requiredFiles,
  verifyModelFiles,
  weightFiles,
  writeManifest,
} from "../models/model-files.ts";
import { wantedWeights } from "../models/weight-kinds.ts";
import { downloadFile } from "./download-file.ts";
import { type HubFile, isInPlace } from "./hub-file.ts";
import { type HubModel, type ModelSource, requestHub } from "./hub-request.ts";
import { listModelFiles } from "./list-model-files.ts";

export interface PullOptions {
  model: HubModel;
  modelsFolder: string;
  hub: { endpoint: string; token: string | undefined };
  onProgress?: (progress: PullProgress) => void;
  signal?: AbortSignal;
}

export interface PullProgress {
  /** The file that is being fetched now. */
  path: string;
  /** Bytes of all files together, those that were there before included. */
  receivedBytes: number;
  totalBytes: number;
}

/**
 * Fetches a model's files from the hub and records them in a manifest. Complete and correct files are not fetched again,
 * and partial files of an interrupted pull are continued. A stand-in model is only verified: it comes with Reembed.
 * @returns The manifest that was written.
 * @throws ReembedError `model_no_weights`, `model_file_missing`, `model_file_altered`, `model_forbidden`, `model_unknown`,
 * `hub_unreachable`, `hub_failed`, `disk_full` or `folder_not_writable`; the signal's reason when it is aborted.
 */
export async function pullModel(options: PullOptions): Promise<ModelManifest> {
  const { modelsFolder, hub, signal } = options;
  if (options.model.bundled) return await verifyModelFiles(options.model, modelsFolder);
  const folder = modelFolder(options.model, modelsFolder);
  const endpoint = hub.endpoint.replace(/\/+$/, "");
  try {
    const asked: ModelSource = { model: options.model, hub: { ...hub, endpoint }, signal };
    const model = await pinned(asked, folder);
    const source = { ...asked, model };
    const files = await listModelFiles(source);
    await checkComplete(files, model, folder);
    await fetchFiles(files, source, folder, options.onProgress);
    return await writeManifest(model, folder);
  } catch (error) {
    signal?.throwIfAborted();
    throw folderError(error, options.model, folder) ?? error;
  }
}

/**
 * Without a commit in the catalogue, that of the files which are there already, so that a second pull completes the first; or
 * the newest.
 */
async function pinned(source: ModelSource, folder: string): Promise<HubModel> {
  const { model, hub } = source;
  if (model.revision !== unpinned) return model;
  const there = (await readManifest<ModelManifest>(folder))?.revision;
  if (there !== undefined && isCommit(there)) return { ...model, revision: there };
  const response = await requestHub(source, `${hub.endpoint}/api/models/${model.id}/revision/${unpinned}`);
  const { sha } = (await response.json().catch(() => ({}))) as { sha?: unknown };
  if (typeof sha === "string" && isCommit(sha)) return { ...model, revision: sha };
  throw new ReembedError("hub_failed", `${hub.endpoint} does not say which commit ${unpinned} of ${model.id} is.`);
}

function isCommit(revision: string): boolean {
  return /^[0-9a-f]{40}$/.test(revision);
}

async function fetchFiles(
  files: readonly HubFile[],
  source: ModelSource,
  folder: string,
  onProgress: PullOptions["onProgress"],
): Promise<void> {
  const totalBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  let bytesBefore = 0;
  for (const file of files) {
    source.signal?.throwIfAborted();
    const path = join(folder, file.path);
    const onReceived = (bytes: number) =>
      onProgress?.({ path: file.path, receivedBytes: bytesBefore + bytes, totalBytes });
    if (await isInPlace(path, file)) onReceived(file.sizeBytes);
    else await downloadFile({ source, file, path, onReceived });
    bytesBefore += file.sizeBytes;
  }
}

/** Checked before anything is fetched: files that the repository does not have must be in the folder already. */
async function checkComplete(files: readonly HubFile[], { id, revision }: HubModel, folder: string): Promise<void> {
  const there = async (path: string) => files.some((file) => file.path === path) || (await exists(join(folder, path)));
  for (const required of requiredFiles) {
    if (await there(required)) continue;
    const message = `${id} has no ${required} at revision ${revision}.`;
    throw new ReembedError("model_file_missing", message, { remedy: `Put it into ${folder} and pull again.` });
  }
  for (const path of weightFiles) if (await there(path)) return;
  const message = `${id} has none of ${wantedWeights} at revision ${revision}.`;
  throw new ReembedError("model_no_weights", message, {
    remedy:
      `Export it with \`optimum-cli export onnx --model ${id} --task feature-extraction ${join(folder, "onnx")}\`, or ` +
      `load it in Python and save it with safe_serialization=True into ${folder}, and pull again, which fetches the other files.`,
  });
}

function folderError(cause: unknown, { id }: HubModel, folder: string): ReembedError | undefined {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new ReembedError("disk_full", `${folder} has no space left for ${id}.`, {
      cause,
      remedy: "Free some space and pull again, which continues this download, or set MODELS_DIR to another disk.",
    });
  }
  if (code === "EACCES" || code === "EPERM" || code === "EROFS") {
    return new ReembedError("folder_not_writable", `${folder} cannot be written (${code}).`, {
      cause,
      remedy: "Set MODELS_DIR to a folder that can be written.",
    });
  }
  return undefined;
}
