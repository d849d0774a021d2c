import { join } from "node:path";
import { type Model, ReembedError } from "@reembed/core";
import {
  exists,
  type ModelManifest,
  modelFolder,
  requiredFiles,
  verifyModelFiles,
  weightFiles,
  writeManifest,
} from "../models/model-files.ts";
import { downloadFile } from "./download-file.ts";
import { type HubFile, isInPlace } from "./hub-file.ts";
import type { ModelSource } from "./hub-request.ts";
import { listModelFiles } from "./list-model-files.ts";

export interface PullOptions {
  model: Model;
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
  const { model, modelsFolder, hub, signal } = options;
  if (model.bundled) return await verifyModelFiles(model, modelsFolder);
  const folder = modelFolder(model, modelsFolder);
  const endpoint = hub.endpoint.replace(/\/+$/, "");
  try {
    const source: ModelSource = { model, hub: { ...hub, endpoint }, signal };
    const files = await listModelFiles(source);
    await checkComplete(files, model, folder);
    await fetchFiles(files, source, folder, options.onProgress);
    return await writeManifest(model, folder);
  } catch (error) {
    signal?.throwIfAborted();
    throw folderError(error, model, folder) ?? error;
  }
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
async function checkComplete(files: readonly HubFile[], { id, revision }: Model, folder: string): Promise<void> {
  const there = async (path: string) => files.some((file) => file.path === path) || (await exists(join(folder, path)));
  for (const required of requiredFiles) {
    if (await there(required)) continue;
    const message = `${id} has no ${required} at revision ${revision}.`;
    throw new ReembedError("model_file_missing", message, { remedy: `Put it into ${folder} and pull again.` });
  }
  for (const path of weightFiles) if (await there(path)) return;
  const message = `${id} has neither onnx/model.onnx nor model.safetensors at revision ${revision}.`;
  throw new ReembedError("model_no_weights", message, {
    remedy:
      `Export it with \`optimum-cli export onnx --model ${id} --task feature-extraction ${join(folder, "onnx")}\`, or ` +
      `load it in Python and save it with safe_serialization=True into ${folder}, and pull again, which fetches the other files.`,
  });
}

function folderError(cause: unknown, { id }: Model, folder: string): ReembedError | undefined {
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
