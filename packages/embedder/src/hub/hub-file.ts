import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";

/** A file of a repository, with its expected hash. */
export interface HubFile {
  /** Path within the repository. */
  path: string;
  sizeBytes: number;
  /** LFS files have the sha256 of their content; git identifies the others by the sha1 of their blob. */
  algorithm: "sha256" | "git-sha1";
  hash: string;
}

/** A new hash with the file's algorithm, before any content. */
export function startHash({ algorithm, sizeBytes }: HubFile): Hash {
  return algorithm === "sha256" ? createHash("sha256") : createHash("sha1").update(`blob ${sizeBytes}\0`);
}

/** Whether the complete and correct file is at `path`. */
export async function isInPlace(path: string, file: HubFile): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  if (found?.size !== file.sizeBytes) return false;
  const hash = await addFile(startHash(file), path, file.sizeBytes);
  return hash.digest("hex") === file.hash;
}

export async function addFile(hash: Hash, path: string, sizeBytes: number): Promise<Hash> {
  if (sizeBytes === 0) return hash;
  for await (const chunk of createReadStream(path, { end: sizeBytes - 1, highWaterMark: 1 << 20 })) hash.update(chunk);
  return hash;
}
