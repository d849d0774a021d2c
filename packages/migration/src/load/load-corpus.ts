import { type StoredDocuments, storeDocuments } from "@reembed/store/corpus";
import type { Database } from "@reembed/store/database";
import type { CorpusDocument, CorpusProblem } from "./corpus-entry.ts";
import { measureCorpus, readCorpus } from "./read-corpus.ts";

/** Maximum number of documents per transaction; fewer if they are long. */
const documentsAtMost = 200;
const charactersAtMost = 4_000_000;

/**
 * Stores every document of a corpus that can be read. Loading it again stores only changes.
 * @param onProgress Receives the bytes that were read and stored, and the total.
 */
export async function loadCorpus(
  database: Database,
  path: string,
  onProgress: (doneBytes: number, totalBytes: number) => void,
): Promise<{ stored: StoredDocuments; problems: CorpusProblem[] }> {
  const { totalBytes } = await measureCorpus(path);
  const stored: StoredDocuments = { added: 0, changed: 0, unchanged: 0, chunks: { added: 0, kept: 0, removed: 0 } };
  const problems: CorpusProblem[] = [];
  let batch: CorpusDocument[] = [];
  let batchCharacters = 0;
  let readBytes = 0;

  const flush = async () => {
    if (batch.length > 0) addCounts(stored, await storeDocuments(database, batch));
    batch = [];
    batchCharacters = 0;
    onProgress(readBytes, totalBytes);
  };
  for await (const entry of readCorpus(path)) {
    readBytes += entry.bytesRead;
    if (entry.kind === "problem") {
      problems.push(entry.problem);
      continue;
    }
    batch.push(entry.document);
    batchCharacters += entry.document.body.length;
    if (batch.length >= documentsAtMost || batchCharacters >= charactersAtMost) await flush();
  }
  await flush();
  return { stored, problems };
}

function addCounts(sum: StoredDocuments, { added, changed, unchanged, chunks }: StoredDocuments): void {
  sum.added += added;
  sum.changed += changed;
  sum.unchanged += unchanged;
  sum.chunks.added += chunks.added;
  sum.chunks.kept += chunks.kept;
  sum.chunks.removed += chunks.removed;
}
