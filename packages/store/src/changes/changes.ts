import { type SQL, sql } from "drizzle-orm";
import type { Database } from "../database/database.ts";
import { repeatOnConflict } from "../database/repeat-on-conflict.ts";
import type { RegisteredProfile } from "../profiles/profiles.ts";

const leaseSeconds = 300;

/**
 * Leaders are chunks that a backfill by demand takes before all others. They are rows of `chunk_changes` with a time
 * that never comes, by their rank: so they lie behind every real change, an edit makes a real change of them by setting
 * its own time, and whatever settles a change settles them.
 */
export const prioritisedFrom = sql`timestamptz '9000-01-01 00:00:00Z'`;

interface DueOptions {
  limit: number;
  queueIsEmpty: boolean;
}

/** Ids of changed chunks that are not in the queue yet, the oldest change first. */
export async function readDueChanges(
  database: Database,
  profile: RegisteredProfile,
  options: DueOptions,
): Promise<number[]> {
  return await readDue(database, profile, sql`changed_at < ${prioritisedFrom}`, options);
}

/** Ids of leaders that are not in the queue yet, the first in rank first. */
export async function readDuePrioritisedChunks(
  database: Database,
  profile: RegisteredProfile,
  options: DueOptions,
): Promise<number[]> {
  return await readDue(database, profile, sql`changed_at >= ${prioritisedFrom}`, options);
}

/**
 * A change counts as enqueued for five minutes, in case the queue loses a part of its jobs; an empty queue has lost them
 * all, and they are due at once. A lease that ends later than that was given by another clock, as of a primary before a
 * failover, and holds nobody up.
 */
async function readDue(
  database: Database,
  profile: RegisteredProfile,
  kind: SQL,
  { limit, queueIsEmpty }: DueOptions,
): Promise<number[]> {
  const { rows } = await database.execute<{ chunk_id: string }>(sql`
    select chunk_id from reembed.chunk_changes
    where profile = ${profile.name} and ${kind}
      and (enqueued_until is null or enqueued_until < now() or ${queueIsEmpty}
        or enqueued_until > now() + ${leaseSeconds} * interval '1 second')
    order by changed_at, chunk_id limit ${limit}`);
  return rows.map((row) => Number(row.chunk_id));
}

/** Notes that changes are in the queue. One that was edited again meanwhile may be noted too: its job reads the newest text. */
export async function markChangesEnqueued(
  database: Database,
  profile: RegisteredProfile,
  chunkIds: readonly number[],
): Promise<void> {
  const statement = sql`
    update reembed.chunk_changes set enqueued_until = now() + ${leaseSeconds} * interval '1 second'
    where profile = ${profile.name} and chunk_id = any(${sql.param(chunkIds)}::bigint[])`;
  await repeatOnConflict(() => database.execute(statement));
}

/**
 * Counts an attempt at the changes among these chunks before it is made: a worker that dies of one of them can count
 * nothing afterwards. One that lives takes it back with `by` -1, or settles the change.
 */
export async function countAttempt(
  database: Database,
  profile: RegisteredProfile,
  chunkIds: readonly number[],
  by: 1 | -1 = 1,
): Promise<void> {
  const statement = sql`
    update reembed.chunk_changes set attempts = greatest(0, attempts + ${by})
    where profile = ${profile.name} and chunk_id = any(${sql.param(chunkIds)}::bigint[])`;
  await repeatOnConflict(() => database.execute(statement));
}

/**
 * Whether a change waits of a chunk that the backfill was to embed and that has neither vector nor quarantine: a gap that
 * the sweep has found. It reads the changes and not the corpus.
 */
export async function hasGapsInHand(database: Database, profile: RegisteredProfile): Promise<boolean> {
  const { rows } = await database.execute(sql`
    select from reembed.chunk_changes ch
    join ${sql.raw(profile.relation)} c on c.id = ch.chunk_id
    where ch.profile = ${profile.name} and ch.chunk_id <= ${profile.backfillTarget}
      and not exists (select from reembed.chunk_embeddings e where e.profile = ${profile.name} and e.chunk_id = ch.chunk_id)
      and not exists (select from reembed.quarantined_chunks q where q.profile = ${profile.name} and q.chunk_id = ch.chunk_id)
    limit 1`);
  return rows.length > 0;
}

/**
 * Looks for chunks with neither vector, quarantine nor change, and records each as a change, so that it is enqueued
 * like any other. Reads the whole chunking: only for when the backfill has reached its target and no batch of it is queued.
 * Returns how many it found.
 */
export async function recordGaps(database: Database, profile: RegisteredProfile): Promise<number> {
  const { rowCount } = await database.execute(sql`
    insert into reembed.chunk_changes (profile, chunk_id)
    select ${profile.name}, c.id from ${sql.raw(profile.relation)} c
    where not exists (select from reembed.chunk_embeddings e where e.profile = ${profile.name} and e.chunk_id = c.id)
      and not exists (select from reembed.quarantined_chunks q where q.profile = ${profile.name} and q.chunk_id = c.id)
    on conflict do nothing`);
  return rowCount ?? 0;
}
