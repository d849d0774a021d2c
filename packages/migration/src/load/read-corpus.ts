import type { CorpusEntry } from "./corpus-entry.ts";
import { findCorpus } from "./find-corpus.ts";
import { readFolder } from "./read-folder.ts";
import { readJsonl } from "./read-jsonl.ts";
import { walkFolder } from "./walk-folder.ts";

/**
 * The size of the corpus that `readCorpus` would read.
 * @throws ReembedError `corpus_unreadable` (exit code 2) if the path is missing or neither a folder nor a .jsonl file.
 */
export async function measureCorpus(path: string): Promise<{ totalBytes: number }> {
  const corpus = await findCorpus(path);
  if (corpus.kind === "jsonl") return { totalBytes: corpus.sizeBytes };
  let totalBytes = 0;
  for await (const file of walkFolder(path)) totalBytes += file.sizeBytes;
  return { totalBytes };
}

/**
 * Reads the documents of a folder of .txt and .md files, or of a JSONL file with `{uri, title, language, body, metadata?}`
 * per line, as a stream. A document that cannot be read is reported with its place, and the next one follows.
 * @throws ReembedError `corpus_unreadable` (exit code 2), as `measureCorpus` does, or if reading a JSONL file fails.
 */
export async function* readCorpus(path: string): AsyncGenerator<CorpusEntry> {
  const corpus = await findCorpus(path);
  yield* corpus.kind === "folder" ? readFolder(path) : readJsonl(path);
}
