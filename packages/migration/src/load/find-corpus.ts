import { access, constants, stat } from "node:fs/promises";
import { messageOf, ReembedError } from "@reembed/core";

export type Corpus = { kind: "folder" } | { kind: "jsonl"; sizeBytes: number };

/** @throws ReembedError `corpus_unreadable` when the path is missing or neither a folder nor a .jsonl file. */
export async function findCorpus(path: string): Promise<Corpus> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) {
      await access(path, constants.R_OK | constants.X_OK);
      return { kind: "folder" };
    }
    if (found.isFile() && /\.(jsonl|ndjson)$/i.test(path)) {
      await access(path, constants.R_OK);
      return { kind: "jsonl", sizeBytes: found.size };
    }
  } catch (error) {
    throw corpusUnreadable(path, error);
  }
  throw corpusUnreadable(path, "it is neither a folder nor a .jsonl file");
}

export function corpusUnreadable(path: string, cause: unknown): ReembedError {
  return new ReembedError("corpus_unreadable", `The corpus ${path} cannot be read: ${messageOf(cause)}`, {
    exitCode: 2,
    remedy: "Give a folder of .txt and .md files, or a .jsonl file with one document per line.",
    cause,
  });
}
