import { sql } from "drizzle-orm";
import { prioritisedFrom } from "../changes/changes.ts";
import type { Database } from "../database/database.ts";
import type { RegisteredProfile } from "../profiles/profiles.ts";
import type { BackfillOrder } from "../schema/profiles.ts";

/** What `reembed backfill start` decides about a backfill. */
export interface BackfillSettings {
  order: BackfillOrder;
  /** Share of the chunks at which it holds, from 0 to 1; null is all of them. */
  until: number | null;
  /** Chunks a second at most; null is as many as the workers take. */
  rate: number | null;
}

/** Whether the cursor has come to its end: every chunk that was there when the backfill began was enqueued once. */
export function isBackfillDone({
  backfillOrder,
  backfillCursor,
  backfillTarget,
}: Pick<RegisteredProfile, "backfillOrder" | "backfillCursor" | "backfillTarget">): boolean {
  return backfillOrder === "newest" ? backfillCursor <= 1 : backfillCursor >= backfillTarget;
}

/**
 * The next chunks that the backfill has not enqueued and that have no vector, in its order, and where its cursor is
 * once they are enqueued. It looks at a hundred thousand ids at most and passes over those that have their vector, as
 * after a change of the order: so the time it takes does not depend on how much is done.
 *
 * LIMIT within the lateral subquery keeps it a look into the index for each chunk: PostgreSQL would otherwise rather
 * hash all vectors of the profile.
 */
export async function readNextChunks(
  database: Database,
  profile: RegisteredProfile,
  { limit, lookAtMost = 100_000 }: { limit: number; lookAtMost?: number },
): Promise<{ chunkIds: number[]; cursor: number }> {
  const { rows } = await database.execute<{ id: string }>(sql`
    select c.id from (${remaining(profile)} limit ${lookAtMost}) c
    left join lateral (
      select true as found from reembed.chunk_embeddings e
      where e.profile = ${profile.name} and e.chunk_id = c.id limit 1
    ) vector on true
    where vector.found is null
    limit ${limit}`);
  const chunkIds = rows.map((row) => Number(row.id));
  const last = chunkIds.length < limit ? await readLookedAt(database, profile, lookAtMost) : chunkIds.at(-1);
  const end = profile.backfillOrder === "newest" ? 1 : profile.backfillTarget;
  return { chunkIds, cursor: last ?? end };
}

/** The last of as many ids as are looked at; undefined where the backfill ends before. */
async function readLookedAt(
  database: Database,
  profile: RegisteredProfile,
  lookAtMost: number,
): Promise<number | undefined> {
  const { rows } = await database.execute<{ id: string }>(sql`${remaining(profile)} offset ${lookAtMost - 1} limit 1`);
  return rows[0] === undefined ? undefined : Number(rows[0].id);
}

function remaining({ relation, backfillOrder, backfillCursor, backfillTarget }: RegisteredProfile) {
  return backfillOrder === "newest"
    ? sql`select id from ${sql.raw(relation)} where id < ${backfillCursor} order by id desc`
    : sql`select id from ${sql.raw(relation)} where id > ${backfillCursor} and id <= ${backfillTarget} order by id`;
}

/**
 * Chunks that were enqueued and are out of the queue again are to be enqueued anew: leaders are due at once, and for the
 * others the cursor goes back. What lies between and has its vector is passed over.
 */
export async function moveCursorBack(
  database: Database,
  profile: RegisteredProfile,
  chunkIds: readonly number[],
): Promise<void> {
  if (chunkIds.length === 0) return;
  await database.execute(sql`
    with withdrawn as (
      select unnest(${sql.param(chunkIds)}::bigint[]) as id
    ), leaders as (
      update reembed.chunk_changes set enqueued_until = null from withdrawn
      where profile = ${profile.name} and chunk_id = withdrawn.id and changed_at >= ${prioritisedFrom}
      returning chunk_id
    ), passed as (
      select min(id) as first, max(id) as last from withdrawn where id not in (select chunk_id from leaders)
    )
    update reembed.profiles set backfill_cursor = case backfill_order
      when 'newest' then greatest(backfill_cursor, passed.last + 1) else least(backfill_cursor, passed.first - 1) end
    from passed where name = ${profile.name} and passed.first is not null`);
}

/** Pauses a backfill, or lets it go on. Changes go on in either case. Returns whether that was news. */
export async function setPaused(database: Database, profile: RegisteredProfile, paused: boolean): Promise<boolean> {
  const { rowCount } = await database.execute(sql`
    update reembed.profiles set paused = ${paused}, held = null
    where name = ${profile.name} and paused <> ${paused}`);
  return rowCount === 1;
}

/**
 * Gives a backfill its course and lets it go on. In the other direction it begins at the end that it goes from, and
 * passes over what has its vector.
 */
export async function setBackfillSettings(
  database: Database,
  profile: RegisteredProfile,
  { order, until, rate }: BackfillSettings,
): Promise<void> {
  await database.execute(sql`
    update reembed.profiles set
      backfill_cursor = case
        when (backfill_order = 'newest') = (${order} = 'newest') then backfill_cursor
        when ${order} = 'newest' then backfill_target + 1 else 0 end,
      backfill_order = ${order}, backfill_until = ${until}, backfill_rate = ${rate}, paused = false, held = null
    where name = ${profile.name}`);
}

/** Says why the backfill enqueues less than it could, or that nothing holds it. Writes only what is new. */
export async function setThrottleReason(
  database: Database,
  profile: RegisteredProfile,
  held: string | null,
): Promise<void> {
  if (held === profile.held) return;
  await database.execute(sql`update reembed.profiles set held = ${held} where name = ${profile.name}`);
}
