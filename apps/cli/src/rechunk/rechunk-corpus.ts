import {
  addRecut,
  countUncutDocuments,
  type Database,
  nothingRecut,
  type RecutDocuments,
  recutChangedDocuments,
  recutUncutDocuments,
} from "@reembed/store";

/** Documents of one transaction: it holds their texts in memory, and their rows against other writers. */
const cutTogether = 100;

/**
 * Cuts every document that was changed, and every one that has no chunks in some chunking. Has no cursor to be resumed
 * from: what was cut is in the tables.
 */
export async function rechunkCorpus(
  database: Database,
  onProgress: (done: number, total: number) => void,
): Promise<RecutDocuments> {
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
