import { ReembedError } from "@reembed/core";
import type { HubFile } from "./hub-file.ts";
import { type ModelSource, requestHub, TransientHubError, unreachable } from "./hub-request.ts";
import { PartialFile } from "./partial-file.ts";
import { retryTransient } from "./retry-transient.ts";

interface Download {
  source: ModelSource;
  file: HubFile;
  /** Where the file belongs. */
  path: string;
  /** Called with the bytes of the file that are there; fewer than before where it had to start over. */
  onReceived: (bytes: number) => void;
}

/**
 * Downloads a file, or what is missing of it, and puts it in place once its hash is right.
 * @throws ReembedError of `requestHub`, or `model_file_altered`.
 */
export async function downloadFile(download: Download): Promise<void> {
  const { file, path } = download;
  await using partial = await PartialFile.open(file, path);
  const resumed = partial.sizeBytes > 0;
  await receiveRest(download, partial);
  if (resumed && partial.hash !== file.hash) {
    // What an earlier run left may be of another revision, so the mistake may be on this side.
    await partial.startOver();
    await receiveRest(download, partial);
  }
  if (partial.hash !== file.hash) {
    const found = partial.hash;
    await partial.discard();
    throw altered(download, found);
  }
  await partial.putInPlace();
}

async function receiveRest(download: Download, partial: PartialFile): Promise<void> {
  const attempt = async () => {
    if (partial.sizeBytes < download.file.sizeBytes) await receive(download, partial);
  };
  await retryTransient(attempt, { signal: download.source.signal, progress: () => partial.sizeBytes });
}

async function receive({ source, file, onReceived }: Download, partial: PartialFile): Promise<void> {
  const offset = partial.sizeBytes;
  const url = fileUrl(source, file);
  // Of an encoded answer the range would count encoded bytes.
  const headers = { "accept-encoding": "identity", ...(offset > 0 && { range: `bytes=${offset}-` }) };
  const response = await requestHub(source, url, headers);
  const continues = response.status === 206 && response.headers.get("content-range")?.startsWith(`bytes ${offset}-`);
  if (offset > 0 && !continues) await partial.startOver();
  if (response.status !== 200 && !continues) {
    await response.body?.cancel();
    throw interrupted(source, `answered ${response.status} for the bytes of ${file.path} from ${offset} on`);
  }

  onReceived(partial.sizeBytes);
  for await (const chunk of readBody(source, response)) {
    await partial.append(chunk);
    onReceived(partial.sizeBytes);
    // More than there should be: the hash says so, and the rest of it could fill the disk.
    if (partial.sizeBytes > file.sizeBytes) return;
  }
  if (partial.sizeBytes < file.sizeBytes) {
    throw interrupted(source, `ended ${file.path} after ${partial.sizeBytes} of ${file.sizeBytes} bytes`);
  }
}

/** The body's chunks; its failures, and not those of the loop that reads them, as ones that may pass. */
async function* readBody(source: ModelSource, { body }: Response): AsyncGenerator<Uint8Array> {
  try {
    if (body !== null) yield* body;
  } catch (error) {
    throw unreachable(source, error);
  }
}

function fileUrl({ hub, model }: ModelSource, { path }: HubFile): string {
  return `${hub.endpoint}/${model.id}/resolve/${encodeURIComponent(model.revision)}/${path}`;
}

function interrupted({ hub }: ModelSource, what: string): TransientHubError {
  return new TransientHubError("hub_failed", `${hub.endpoint} ${what}.`, { remedy: "Pull again later." });
}

function altered({ source, file, path }: Download, found: string): ReembedError {
  const { hub, model } = source;
  const algorithm = file.algorithm === "sha256" ? "sha256" : "git blob sha1";
  return new ReembedError(
    "model_file_altered",
    `${file.path} of ${model.id} came altered from ${hub.endpoint}: ${algorithm} ${found} instead of ${file.hash}.`,
    { remedy: `It was not put in ${path}. Pull again; if it comes altered again, set HF_ENDPOINT to another mirror.` },
  );
}
