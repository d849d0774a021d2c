import { type Database, type Retention, removeExpired } from "@reembed/store/database";

const everyMs = 3_600_000;

/**
 * What a tick does to remove what is kept long enough: nothing but once in an hour, and then a bounded part in each tick
 * until nothing is left. Any number of producers may do it.
 * @returns How many rows it removed.
 */
export function removingExpired(database: Database, retention: Retention): () => Promise<number> {
  let dueAt = Number.NEGATIVE_INFINITY;
  return async () => {
    if (performance.now() < dueAt) return 0;
    // What cannot be removed fails one tick an hour, and not each.
    dueAt = performance.now() + everyMs;
    const { removed, more } = await removeExpired(database, retention);
    if (more) dueAt = performance.now();
    return removed;
  };
}
