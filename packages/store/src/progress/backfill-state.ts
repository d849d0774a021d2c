import { and, eq, sql } from "drizzle-orm";
import { lockChanges, takeChanges } from "../changes/change-log.ts";
import type { Database, Queryable } from "../database/database.ts";
import { withLockTimeout } from "../database/lock-timeout.ts";
import type { RegisteredProfile } from "../profiles/profiles.ts";
import { profiles } from "../schema/profiles.ts";

/**
 * Begins the backfill of a registered profile: what exists now is its target, what is written later is a change. No
 * chunk is neither, and no writer waits: triggers log every chunk, whatever the profiles' states are, and the log is not
 * moved between the look at the newest chunk and the new state. So a chunk that cannot be seen yet is still to be moved.
 * Returns whether there was anything to begin with: an empty chunking stays registered.
 */
export async function startBackfill(database: Database, profile: RegisteredProfile): Promise<boolean> {
  // What was logged before is below the target, and no change.
  await takeChanges(database);
  return await withLockTimeout(database, async (transaction) => {
    await lockChanges(transaction, "alone");
    const { rows } = await transaction.execute<{ target: string | null }>(
      sql`select max(id) as target from ${sql.raw(profile.relation)}`,
    );
    const target = rows[0]?.target;
    if (target === null || target === undefined) return false;
    await transaction
      .update(profiles)
      .set({
        state: "backfilling",
        backfillTarget: Number(target),
        // Of the row as it is now: the order may have been chosen after the profile was read.
        backfillCursor: sql`case ${profiles.backfillOrder} when 'newest' then ${Number(target) + 1} else 0 end`,
      })
      .where(and(eq(profiles.name, profile.name), eq(profiles.state, "registered")));
    return true;
  });
}

/**
 * Moves the cursor on, unless the profile's row was written since it was read: by another producer, or by somebody who
 * paused the backfill or changed its course. What was enqueued meanwhile may have been taken out of the queue again, even
 * if the row says the same as before. Returns whether it moved.
 */
export async function advanceCursor(database: Queryable, profile: RegisteredProfile, to: number): Promise<boolean> {
  const moved = await database
    .update(profiles)
    .set({ backfillCursor: to })
    .where(and(eq(profiles.name, profile.name), sql`xmin::text = ${profile.version}`))
    .returning({ name: profiles.name });
  return moved.length === 1;
}

/**
 * Begins the backfill of a profile anew that is not what its state says. It passes over what has its vector. Returns
 * whether this call was the one that did.
 */
export async function reopenBackfill(database: Queryable, profile: RegisteredProfile): Promise<boolean> {
  const reopened = await database
    .update(profiles)
    .set({
      state: "backfilling",
      backfillCursor: sql`case ${profiles.backfillOrder} when 'newest' then ${profiles.backfillTarget} + 1 else 0 end`,
      completedAt: null,
    })
    .where(and(eq(profiles.name, profile.name), eq(profiles.state, "backfilled")))
    .returning({ name: profiles.name });
  return reopened.length === 1;
}

/** Records that the backfill is complete. Returns whether this call was the one that did. */
export async function completeBackfill(database: Queryable, profile: RegisteredProfile): Promise<boolean> {
  const completed = await database
    .update(profiles)
    .set({ state: "backfilled", completedAt: sql`now()` })
    .where(and(eq(profiles.name, profile.name), eq(profiles.state, "backfilling")))
    .returning({ name: profiles.name });
  return completed.length === 1;
}
