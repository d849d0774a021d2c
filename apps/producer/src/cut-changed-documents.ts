import { isTransient, messageOf } from "@reembed/core";
import type { Logger } from "@reembed/runtime";
import { addRecut, type Database, nothingRecut, recutChangedDocuments } from "@reembed/store";

/** Documents of one transaction, and transactions of one tick: a mass edit must not keep the ticks waiting for minutes. */
const bounds = { documents: 100, transactions: 5 } as const;

/**
 * Cuts documents again that others have changed, before the ticks enqueue what comes of it. What cannot be cut, because
 * an adopted table is gone for instance, keeps nothing else from being embedded.
 */
export async function cutChangedDocuments(database: Database, log: Logger): Promise<void> {
  let sum = nothingRecut;
  try {
    for (let transactions = 0; transactions < bounds.transactions; transactions++) {
      const recut = await recutChangedDocuments(database, { limit: bounds.documents });
      if (recut === undefined) break;
      sum = addRecut(sum, recut);
    }
  } catch (error) {
    if (isTransient(error)) throw error;
    log.error({ error: messageOf(error) }, "changed documents cannot be cut");
  }
  const { documents, removed, chunks, misfits } = sum;
  if (documents + removed > 0) log.info({ documents, removed, chunks }, "changed documents cut");
  for (const misfit of misfits) log.warn(misfit, "document put together from chunks that do not overlap");
}
