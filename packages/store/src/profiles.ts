import { ReembedError } from "@reembed/core";
import { and, eq, ne, sql } from "drizzle-orm";
import { lockChanges, takeChanges } from "./change-log.ts";
import type { Database, Queryable } from "./database.ts";
import { withLockTimeout } from "./lock-timeout.ts";
import {
  type AnnSettings,
  type BackfillOrder,
  type ChunkSource,
  chunkings,
  type ProfileState,
  profiles,
} from "./schema.ts";

/** A profile as the database has it, with the relation that its chunks are read from. */
export interface RegisteredProfile {
  name: string;
  chunking: string;
  relation: string;
  /** The application's tables, where the chunking was adopted. */
  source: ChunkSource | null;
  model: string;
  revision: string;
  dimensions: number;
  /** Results of one search at most. */
  limit: number;
  /** Least cosine similarity of a result. */
  threshold: number;
  state: ProfileState;
  backfillCursor: number;
  backfillTarget: number;
  backfillOrder: BackfillOrder;
  /** Share of the chunks at which the backfill holds; null is all. */
  backfillUntil: number | null;
  /** Chunks a second at most; null is as many as the workers take. */
  backfillRate: number | null;
  paused: boolean;
  /** Why the last tick enqueued less than it could; null when it did not. */
  held: string | null;
  estimate: Record<string, unknown> | null;
  ann: AnnSettings | null;
  /** Another one after every write to the profile's row: the transaction that wrote it. */
  version: string;
}

/** @throws ReembedError `profile_unregistered` (exit code 3) when `reembed init` has not run for it. */
export async function readProfile(database: Queryable, name: string): Promise<RegisteredProfile> {
  const [profile] = await selectProfiles(database).where(eq(profiles.name, name));
  if (profile === undefined) {
    throw new ReembedError("profile_unregistered", `Profile ${name} is not in the database.`, {
      exitCode: 3,
      remedy: "Run `reembed init` with the same environment.",
    });
  }
  return profile;
}

/** All but the retired ones, whose vectors and perhaps chunks are gone. */
export async function readProfiles(database: Queryable): Promise<RegisteredProfile[]> {
  return await selectProfiles(database).where(ne(profiles.state, "retired")).orderBy(profiles.createdAt, profiles.name);
}

function selectProfiles(database: Queryable) {
  return database
    .select({
      name: profiles.name,
      chunking: profiles.chunking,
      relation: chunkings.relation,
      source: chunkings.source,
      model: profiles.model,
      revision: profiles.revision,
      dimensions: profiles.dimensions,
      limit: profiles.searchLimit,
      threshold: profiles.similarityThreshold,
      state: profiles.state,
      backfillCursor: profiles.backfillCursor,
      backfillTarget: profiles.backfillTarget,
      backfillOrder: profiles.backfillOrder,
      backfillUntil: profiles.backfillUntil,
      backfillRate: profiles.backfillRate,
      paused: profiles.paused,
      held: profiles.held,
      estimate: profiles.estimate,
      ann: profiles.ann,
      version: sql<string>`${profiles}.xmin::text`,
    })
    .from(profiles)
    .innerJoin(chunkings, eq(chunkings.name, profiles.chunking))
    .$dynamic();
}

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
