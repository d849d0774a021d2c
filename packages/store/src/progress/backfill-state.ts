import { beforeFirstId } from "@reembed/core";
import { and, eq, type SQL, sql } from "drizzle-orm";
import { lockChanges, takeChanges } from "../changes/change-log.ts";
import type { Database, Queryable } from "../database/database.ts";
import { withLockTimeout } from "../database/lock-timeout.ts";
import type { RegisteredProfile } from "../profiles/profiles.ts";
import { profiles } from "../schema/profiles.ts";
import { readRemainingShare } from "./coverage.ts";

/**
 * Starts the backfill of a registered profile: the existing chunks are its target, and later writes are changes. Every chunk
 * is one or the other, without making writers wait: triggers log every chunk, whatever the profiles' states are, and the log
 * is not processed between reading the newest chunk and setting the new state. So a chunk that is not visible yet will still
 * be processed as a change. Returns whether there were any chunks: without chunks the profile stays registered.
 */
export async function startBackfill(database: Database, profile: RegisteredProfile): Promise<boolean> {
  // What was logged before is below the target and not a change.
  await takeChanges(database);
  return await withLockTimeout(database, async (transaction) => {
    await lockChanges(transaction, "alone");
    const { rows } = await transaction.execute<{ target: string | null }>(
      sql`select max(id) as target from ${sql.raw(profile.relation)} c`,
    );
    const target = rows[0]?.target;
    if (target === null || target === undefined) return false;
    await transaction
      .update(profiles)
      .set({
        state: "backfilling",
        backfillTarget: Number(target),
        // Computed from the present row, because the order may have changed since the profile was read.
        backfillCursor: cursorAtStart(sql`${target}::bigint`),
      })
      .where(and(eq(profiles.name, profile.name), eq(profiles.state, "registered")));
    return true;
  });
}

/**
 * Moves the cursor, unless the profile's row was written since it was read: by another producer, or by somebody who paused
 * the backfill or changed its settings. What was enqueued meanwhile may have been withdrawn again, even if the row has the
 * same values as before. Returns whether the cursor moved.
 */
export async function advanceCursor(database: Queryable, profile: RegisteredProfile, to: number): Promise<boolean> {
  const moved = await database
    .update(profiles)
    .set({ backfillCursor: to })
    .where(and(eq(profiles.name, profile.name), sql`xmin::text = ${profile.version}`))
    .returning({ name: profiles.name });
  return moved.length === 1;
}

/** A profile that keeps this share of its vectors goes on answering: its answers are better than none. */
const leastRemaining = 0.5;

/**
 * Starts the backfill of a profile again whose state does not match its tables. It skips chunks that have their vector. The
 * profile counts as complete before if most of its vectors remain, as when chunks were inserted and no trigger recorded it.
 * Returns whether this call has changed the state.
 */
export async function reopenBackfill(database: Queryable, profile: RegisteredProfile): Promise<boolean> {
  const remains = (await readRemainingShare(database, profile)) >= leastRemaining;
  const reopened = await database
    .update(profiles)
    .set({
      state: "backfilling",
      backfillCursor: cursorAtStart(sql`${profiles.backfillTarget}`),
      ...(!remains && { completedAt: null }),
    })
    .where(and(eq(profiles.name, profile.name), eq(profiles.state, "backfilled")))
    .returning({ name: profiles.name });
  return reopened.length === 1;
}

/** Records that the backfill is complete. Returns whether this call has changed the state. */
export async function completeBackfill(database: Queryable, profile: RegisteredProfile): Promise<boolean> {
  const completed = await database
    .update(profiles)
    .set({ state: "backfilled", completedAt: sql`now()` })
    .where(and(eq(profiles.name, profile.name), eq(profiles.state, "backfilling")))
    .returning({ name: profiles.name });
  return completed.length === 1;
}

/** Before the first chunk in the order that the row has by now. */
function cursorAtStart(target: SQL): SQL {
  return sql`case ${profiles.backfillOrder} when 'newest' then ${target} + 1 else ${beforeFirstId}::bigint end`;
}
