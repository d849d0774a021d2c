import type { Database } from "@reembed/store/database";
import type { RegisteredProfile } from "@reembed/store/profiles";
import { readCoverage } from "@reembed/store/progress";

interface Count {
  until: number;
  /** The backfill's cursor at the count. If another process has moved it, the count is invalid. */
  cursor: number;
  left: number;
  countedAt: number;
}

/** The counts of changes and of quarantined chunks take longer the more there are, so it is not done in every tick. */
const countedForMs = 60_000;

const counts = new WeakMap<Database, Map<string, Count>>();

/**
 * How many more chunks a backfill may enqueue until its share of all chunks has a vector, is in quarantine or in the queue.
 * It is counted once a minute and updated by `countEnqueued` in between.
 * @param queued Maximum number of chunks in the queue.
 */
export async function readChunksLeft(
  database: Database,
  profile: RegisteredProfile,
  until: number,
  queued: number,
): Promise<number> {
  const known = countsOf(database).get(profile.name);
  const fresh = known !== undefined && performance.now() - known.countedAt < countedForMs;
  if (fresh && known.until === until && known.cursor === profile.backfillCursor) return known.left;
  const { chunks, embedded, quarantined } = await readCoverage(database, profile);
  const left = Math.max(0, Math.ceil(until * chunks) - embedded - quarantined - queued);
  const count = { until, cursor: profile.backfillCursor, left, countedAt: performance.now() };
  countsOf(database).set(profile.name, count);
  return left;
}

/** Records that a tick has enqueued chunks and moved the cursor. */
export function countEnqueued(database: Database, { name }: RegisteredProfile, enqueued: number, cursor: number): void {
  const known = countsOf(database).get(name);
  if (known === undefined) return;
  known.left = Math.max(0, known.left - enqueued);
  known.cursor = cursor;
}

function countsOf(database: Database): Map<string, Count> {
  const known = counts.get(database) ?? new Map<string, Count>();
  counts.set(database, known);
  return known;
}
