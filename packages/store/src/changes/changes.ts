import { type SQL, sql } from "drizzle-orm";
import type { Database } from "../database/database.ts";
import { repeatOnConflict } from "../database/repeat-on-conflict.ts";
import type { RegisteredProfile } from "../profiles/profiles.ts";

const leaseSeconds = 300;
/** Other ids are not exact numbers in JavaScript. They wait, and cost only themselves. */
const largestId = Number.MAX_SAFE_INTEGER;

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
  return await readDue(database, profile, { only: sql`priority is null`, order: sql`changed_at` }, options);
}

/**
 * Ids of prioritised chunks that are not queued yet, in the order of their rank. They are rows of `chunk_changes`: an edit
 * turns them into changes, and whatever removes a change removes them too.
 */
export async function readDuePrioritisedChunks(
  database: Database,
  profile: RegisteredProfile,
  options: DueOptions,
): Promise<number[]> {
  return await readDue(database, profile, { only: sql`priority is not null`, order: sql`priority` }, options);
}

/**
 * A change counts as queued for five minutes, in case the queue loses some of its jobs. If the queue is empty, it has lost
 * all of them, and they are due at once. A lease that ends later than in five minutes comes from another clock, as of a
 * primary before a failover, and is ignored.
 */
async function readDue(
  database: Database,
  profile: RegisteredProfile,
  { only, order }: { only: SQL; order: SQL },
  { limit, queueIsEmpty }: DueOptions,
): Promise<number[]> {
  const { rows } = await database.execute<{ chunk_id: string }>(sql`
    select chunk_id from reembed.chunk_changes
    where profile = ${profile.name} and ${only} and chunk_id between ${-largestId} and ${largestId}
      and (enqueued_until is null or enqueued_until < now() or ${queueIsEmpty}
        or enqueued_until > now() + ${leaseSeconds} * interval '1 second')
    order by ${order}, chunk_id limit ${limit}`);
  return rows.map((row) => Number(row.chunk_id));
}

/** For how many seconds the oldest of these changes has been waiting; undefined if all are gone. */
export async function readLongestWait(
  database: Database,
  profile: RegisteredProfile,
  chunkIds: readonly number[],
): Promise<number | undefined> {
  const { rows } = await database.execute<{ seconds: number | null }>(sql`
    select extract(epoch from now() - min(changed_at))::float8 as seconds from reembed.chunk_changes
    where profile = ${profile.name} and chunk_id = any(${sql.param(chunkIds)}::bigint[])`);
  return rows[0]?.seconds ?? undefined;
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
