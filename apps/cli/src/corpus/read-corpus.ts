import type { CorpusEntry } from "./corpus-entry.ts";
import { findCorpus } from "./find-corpus.ts";
import { readFolder } from "./read-folder.ts";
import { readJsonl } from "./read-jsonl.ts";
import { walkFolder } from "./walk-folder.ts";

export type { CorpusDocument, CorpusEntry, CorpusProblem } from "./corpus-entry.ts";

/**
 * Size of what `readCorpus` will read.
 * @throws ReembedError `corpus_unreadable` (exit code 2) when the path is missing or neither a folder nor a .jsonl file.
 */
export async function measureCorpus(path: string): Promise<{ totalBytes: number }> {
  const corpus = await findCorpus(path);
  if (corpus.kind === "jsonl") return { totalBytes: corpus.sizeBytes };
  let totalBytes = 0;
  for await (const file of walkFolder(path)) totalBytes += file.sizeBytes;
  return { totalBytes };
}

/**
 * Streams the documents of a folder of .txt and .md files or of a JSONL file, `{uri, title, language, body, metadata?}`
 * a line. A document that cannot be read is reported with its place, and the next one follows.
 * @throws ReembedError `corpus_unreadable` (exit code 2), as `measureCorpus` does, or when a JSONL file breaks off.
 */
export async function* readCorpus(path: string): AsyncGenerator<CorpusEntry> {
  const corpus = await findCorpus(path);
  yield* corpus.kind === "folder" ? readFolder(path) : readJsonl(path);
}
