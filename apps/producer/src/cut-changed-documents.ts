import { isTransient, messageOf } from "@reembed/core";
import type { Logger } from "@reembed/runtime";
import type { Database } from "@reembed/store/database";
import {
  addRecut,
  nothingRecut,
  postponeOldestChange,
  type RecutDocuments,
  recutChangedDocuments,
} from "@reembed/store/rechunking";

/** Documents of one transaction, and transactions of one tick: a mass edit must not keep the ticks waiting for minutes. */
const bounds = { documents: 100, transactions: 5 } as const;
/** After so many in a row that cannot be cut, the fault is not theirs: an adopted table is gone, for instance. */
const failuresInARow = 3;

/**
 * Cuts documents again that others have changed, before the ticks enqueue what comes of it. A document that cannot be cut
 * is named and put behind the others, so that it costs itself alone.
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
  for (const misfit of misfits) log.warn(misfit, "document put together from chunks that do not overlap");
  const more = misfitDocuments - misfits.length;
  if (more > 0) log.warn({ documents: more }, "more documents put together from chunks that do not overlap");
}

/** Those of one transaction that failed: the culprit among them is named. */
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
      log.warn({ document, error: messageOf(error) }, "a changed document cannot be cut");
    }
  }
}
