import type { Database } from "@reembed/store/database";
import type { RegisteredProfile } from "@reembed/store/profiles";
import { countLost, readCoverage, reopenBackfill } from "@reembed/store/progress";

const countEveryMs = 60_000;

const countedAt = new WeakMap<Database, Map<string, number>>();

/**
 * Compares a profile's state with its tables: if its backfill has ended but vectors were lost, as after a partition was
 * truncated, it goes back to backfilling. Checks once in `everyMs`. Returns the number of lost vectors.
 */
export async function reopenIncompleteBackfill(
  database: Database,
  profile: RegisteredProfile,
  everyMs: number = countEveryMs,
): Promise<number> {
  if (profile.state !== "backfilled") return 0;
  const known = countedAt.get(database) ?? new Map<string, number>();
  countedAt.set(database, known);
  if (performance.now() - (known.get(profile.name) ?? Number.NEGATIVE_INFINITY) < everyMs) return 0;
  known.set(profile.name, performance.now());
  const lost = countLost(await readCoverage(database, profile));
  if (lost > 0) await reopenBackfill(database, profile);
  return lost;
}
