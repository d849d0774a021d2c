import { ReembedError } from "@reembed/core";
import { readAdoption } from "@reembed/store/adoption";
import type { Database } from "@reembed/store/database";
import {
  addRecut,
  countUncutDocuments,
  nothingRecut,
  type RecutDocuments,
  recutChangedDocuments,
  recutUncutDocuments,
} from "@reembed/store/rechunking";

/** The error for rows that belong to no document, so that there is nothing to put together and cut anew. */
export function withoutDocuments(table: string): ReembedError {
  return new ReembedError("documents_unknown", `The rows of ${table} have no document that could be cut anew.`, {
    exitCode: 3,
    remedy: `Name what they belong to with \`reembed adopt ${table} --document …\`, or keep the rows as chunks: --chunks keep.`,
  });
}

/** Documents per transaction, which keeps their texts in memory and their rows locked. */
const cutTogether = 100;

/**
 * Cuts every document that has changed or lacks chunks in some chunking. It needs no cursor to continue after an
 * interruption, because the tables show which documents are cut.
 */
export async function rechunkCorpus(
  database: Database,
  onProgress: (done: number, total: number) => void,
): Promise<RecutDocuments> {
  const adoption = await readAdoption(database);
  if (adoption !== undefined && adoption.source.document === undefined) throw withoutDocuments(adoption.source.table);
  let sum: RecutDocuments = nothingRecut;
  for (;;) {
    const recut = await recutChangedDocuments(database, { limit: cutTogether });
    if (recut === undefined) break;
    sum = addRecut(sum, recut);
  }
  const total = sum.documents + (await countUncutDocuments(database));
  for (let after = 0; ; ) {
    onProgress(sum.documents, total);
    const recut = await recutUncutDocuments(database, { after, limit: cutTogether });
    if (recut === undefined) return sum;
    sum = addRecut(sum, recut);
    after = recut.last;
  }
}
