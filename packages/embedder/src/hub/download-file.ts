import { ReembedError } from "@reembed/core";
import type { HubFile } from "./hub-file.ts";
import { type ModelSource, requestHub, TransientHubError, unreachable } from "./hub-request.ts";
import { PartialFile } from "./partial-file.ts";
import { retryTransient } from "./retry-transient.ts";

interface Download {
  source: ModelSource;
  file: HubFile;
  /** Where the file is stored. */
  path: string;
  /** Called with the bytes that have arrived; the number falls if the download has to start over. */
  onReceived: (bytes: number) => void;
}

/**
 * Downloads a file, or the rest of it, and moves it into place if its hash is right.
 * @throws ReembedError of `requestHub`, or `model_file_altered`.
 */
export async function downloadFile(download: Download): Promise<void> {
  const { file, path } = download;
  await using partial = await PartialFile.open(file, path);
  const resumed = partial.sizeBytes > 0;
  await receiveRest(download, partial);
  if (resumed && partial.hash !== file.hash) {
    // A partial file from an earlier run may belong to another revision, so the first mismatch starts the download over.
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
  // If the answer were compressed, the range would count compressed bytes.
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
    // Too many bytes: stop before they fill the disk. The hash will not match.
    if (partial.sizeBytes > file.sizeBytes) return;
  }
  if (partial.sizeBytes < file.sizeBytes) {
    throw interrupted(source, `ended ${file.path} after ${partial.sizeBytes} of ${file.sizeBytes} bytes`);
  }
}

/** Yields the chunks of the body. Only failures of the body become temporary ones, not those of the loop that reads it. */
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
    `${file.path} of ${model.id} arrived altered from ${hub.endpoint}: ${algorithm} ${found} instead of ${file.hash}.`,
    {
      remedy: `It was not stored as ${path}. Pull again; if it arrives altered again, set HF_ENDPOINT to another mirror.`,
    },
  );
}
