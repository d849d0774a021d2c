import { type Database, type Retention, removeExpired } from "@reembed/store/database";

const everyMs = 3_600_000;

/**
 * Removes expired rows in ticks: once an hour it begins, and then each tick removes a limited number until none is left. Any
 * number of producers may do it.
 * @returns The number of removed rows.
 */
export function removingExpired(database: Database, retention: Retention): () => Promise<number> {
  let dueAt = Number.NEGATIVE_INFINITY;
  return async () => {
    if (performance.now() < dueAt) return 0;
    // A failure affects one tick per hour and not every tick.
    dueAt = performance.now() + everyMs;
    const { removed, more } = await removeExpired(database, retention);
    if (more) dueAt = performance.now();
    return removed;
  };
}
