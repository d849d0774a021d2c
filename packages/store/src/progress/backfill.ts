import { beforeFirstId } from "@reembed/core";
import { sql } from "drizzle-orm";
import { chunkIds } from "../adoption/adopted-relation.ts";
import type { Database } from "../database/database.ts";
import type { RegisteredProfile } from "../profiles/profiles.ts";
import type { BackfillOrder } from "../schema/profiles.ts";

/** The settings of `reembed backfill start`. */
export interface BackfillSettings {
  order: BackfillOrder;
  /** Share of the chunks at which it stops, from 0 to 1; null means all. */
  until: number | null;
  /** Maximum chunks per second; null means no limit. */
  rate: number | null;
}

/** Whether the cursor has reached its end: every chunk that existed at the start of the backfill was enqueued once. */
export function isBackfillDone({
  backfillOrder,
  backfillCursor,
  backfillTarget,
}: Pick<RegisteredProfile, "backfillOrder" | "backfillCursor" | "backfillTarget">): boolean {
  return backfillOrder === "newest" ? backfillCursor <= beforeFirstId : backfillCursor >= backfillTarget;
}

/**
 * The next chunks in the backfill's order that it has not enqueued and that have no vector, and the cursor after they are
 * enqueued. It reads at most a hundred thousand ids and skips chunks that have their vector, as after a change of the order,
 * so its time does not depend on the progress.
 *
 * LIMIT within the lateral subquery makes it an index lookup per chunk: otherwise PostgreSQL would hash all vectors of the
 * profile.
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
  const end = profile.backfillOrder === "newest" ? beforeFirstId : profile.backfillTarget;
  return { chunkIds, cursor: last ?? end };
}

/** The last id that is read; undefined if the backfill ends before. */
async function readLookedAt(
  database: Database,
  profile: RegisteredProfile,
  lookAtMost: number,
): Promise<number | undefined> {
  const { rows } = await database.execute<{ id: string }>(sql`${remaining(profile)} offset ${lookAtMost - 1} limit 1`);
  return rows[0] === undefined ? undefined : Number(rows[0].id);
}

function remaining(profile: RegisteredProfile) {
  const { backfillOrder, backfillCursor, backfillTarget } = profile;
  const ids = sql.raw(chunkIds(profile));
  return backfillOrder === "newest"
    ? sql`select id from ${ids} c where id < ${backfillCursor}::bigint order by id desc`
    : sql`select id from ${ids} c where id > ${backfillCursor}::bigint and id <= ${backfillTarget}::bigint order by id`;
}

/**
 * Makes withdrawn chunks due again: prioritised ones at once, and for the others the cursor moves back. Chunks in between
 * that have their vector are skipped later.
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
    ), prioritised as (
      update reembed.chunk_changes set enqueued_until = null from withdrawn
      where profile = ${profile.name} and chunk_id = withdrawn.id and priority is not null
      returning chunk_id
    ), passed as (
      select min(id) as first, max(id) as last from withdrawn where id not in (select chunk_id from prioritised)
    )
    update reembed.profiles set backfill_cursor = case backfill_order
      when 'newest' then greatest(backfill_cursor, passed.last + 1) else least(backfill_cursor, passed.first - 1) end
    from passed where name = ${profile.name} and passed.first is not null`);
}

/** Pauses or resumes a backfill. Changes continue in either case. Returns whether the state has changed. */
export async function setPaused(database: Database, profile: RegisteredProfile, paused: boolean): Promise<boolean> {
  const { rowCount } = await database.execute(sql`
    update reembed.profiles set paused = ${paused}, held = null
    where name = ${profile.name} and paused <> ${paused}`);
  return rowCount === 1;
}

/**
 * Sets a backfill's order, share and rate, and resumes it. If the direction changes, it starts at the other end and skips
 * chunks that have their vector.
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
        when ${order} = 'newest' then backfill_target + 1 else ${beforeFirstId}::bigint end,
      backfill_order = ${order}, backfill_until = ${until}, backfill_rate = ${rate}, paused = false, held = null
    where name = ${profile.name}`);
}

/** Stores why the backfill enqueues less than it could, or that nothing limits it. Writes only if that has changed. */
export async function setThrottleReason(
  database: Database,
  profile: RegisteredProfile,
  reason: string | null,
): Promise<void> {
  if (reason === profile.throttleReason) return;
  await database.execute(sql`update reembed.profiles set held = ${reason} where name = ${profile.name}`);
}
