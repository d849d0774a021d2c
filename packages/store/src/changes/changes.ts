import { type SQL, sql } from "drizzle-orm";
import type { Database } from "../database/database.ts";
import { repeatOnConflict } from "../database/repeat-on-conflict.ts";
import type { RegisteredProfile } from "../profiles/profiles.ts";

const leaseSeconds = 300;

/**
 * Prioritised chunks are those that a backfill in the order `most-searched` embeds before all others. They are rows of
 * `chunk_changes` with a time in the year 9000, in the order of their rank. So they come after every real change, an edit
 * turns them into real changes by setting its own time, and whatever removes a change removes them too.
 */
export const prioritisedFrom = sql`timestamptz '9000-01-01 00:00:00Z'`;

interface DueOptions {
  limit: number;
  queueIsEmpty: boolean;
}

/** Ids of changed chunks that are not queued yet, the oldest change first. */
export async function readDueChanges(
  database: Database,
  profile: RegisteredProfile,
  options: DueOptions,
): Promise<number[]> {
  return await readDue(database, profile, sql`changed_at < ${prioritisedFrom}`, options);
}

/** Ids of prioritised chunks that are not queued yet, in the order of their rank. */
export async function readDuePrioritisedChunks(
  database: Database,
  profile: RegisteredProfile,
  options: DueOptions,
): Promise<number[]> {
  return await readDue(database, profile, sql`changed_at >= ${prioritisedFrom}`, options);
}

/**
 * A change counts as queued for five minutes, in case the queue loses some of its jobs. If the queue is empty, it has lost
 * all of them, and they are due at once. A lease that ends later than in five minutes comes from another clock, as of a
 * primary before a failover, and is ignored.
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

/** Records that changes are queued. This may include one that was edited meanwhile: its job reads the newest text. */
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
 * Counts an attempt at the changes of these chunks before it is made, because a worker that dies of a chunk cannot count
 * afterwards. A surviving worker takes the attempt back with `by` -1, or removes the change.
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
 * Whether there is a change of a chunk of the backfill that has neither vector nor quarantine: a gap that the sweep has
 * found. Reads the changes and not the corpus.
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
 * Finds chunks with neither vector, quarantine nor change, and records each as a change, so that it is enqueued as usual.
 * Reads the whole chunking, so it must only run when the backfill has reached its target and none of its batches is queued.
 * Returns the number of gaps.
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
