import { isTransient, messageOf } from "@reembed/core";
import type { Logger } from "@reembed/runtime";
import { explainAdopted, readAdoption } from "@reembed/store/adoption";
import type { Database } from "@reembed/store/database";
import {
  addRecut,
  nothingRecut,
  postponeOldestChange,
  type RecutDocuments,
  recutChangedDocuments,
} from "@reembed/store/rechunking";

/** Documents per transaction, and transactions per tick: a mass edit must not delay the ticks by minutes. */
const bounds = { documents: 100, transactions: 5 } as const;
/** After this many failures in a row the documents are not to blame: an adopted table was dropped, for example. */
const failuresInARow = 3;

/**
 * Cuts documents that others have changed, before the ticks enqueue the resulting changes. A document that cannot be cut is
 * named and moved behind the others, so that it does not block them.
 */
export async function cutChangedDocuments(database: Database, log: Logger): Promise<void> {
  let sum = nothingRecut;
  const add = (recut: RecutDocuments) => {
    sum = addRecut(sum, recut);
  };
  try {
    for (let transactions = 0; transactions < bounds.transactions; transactions++) {
      const recut = await recutChangedDocuments(database, { limit: bounds.documents });
      if (recut === undefined) break;
      add(recut);
    }
  } catch (error) {
    if (isTransient(error)) throw error;
    await cutOneByOne(database, log, add);
  }
  const { documents, removed, chunks, misfitDocuments, misfits } = sum;
  if (documents + removed > 0) log.info({ documents, removed, chunks }, "changed documents cut");
  // Rows that are kept as chunks need not continue one another, and nothing is cut from their documents.
  if (misfitDocuments === 0 || (await readAdoption(database))?.source.chunks === "keep") return;
  for (const misfit of misfits) log.warn(misfit, "document assembled from chunks that do not overlap");
  const more = misfitDocuments - misfits.length;
  if (more > 0) log.warn({ documents: more }, "more documents assembled from chunks that do not overlap");
}

/** Cuts the documents of a failed transaction one by one, so that the faulty one can be named. */
async function cutOneByOne(database: Database, log: Logger, add: (recut: RecutDocuments) => void): Promise<void> {
  const culprits = new Set<string | undefined>();
  for (let cut = 0, inARow = 0; cut < bounds.documents && inARow < failuresInARow; cut++) {
    try {
      const recut = await recutChangedDocuments(database, { limit: 1 });
      if (recut === undefined) return;
      add(recut);
      inARow = 0;
    } catch (error) {
      if (isTransient(error)) throw error;
      inARow++;
      const document = await postponeOldestChange(database);
      if (culprits.has(document)) return;
      culprits.add(document);
      log.warn({ document, error: messageOf(explainAdopted(error) ?? error) }, "a changed document cannot be cut");
    }
  }
}
