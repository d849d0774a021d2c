import { type SQL, sql } from "drizzle-orm";
import type { Database, Queryable } from "../database/database.ts";
import { repeatOnConflict } from "../database/repeat-on-conflict.ts";
import type { RegisteredProfile } from "../profiles/profiles.ts";
import { checkAllRows } from "./failing-rows.ts";

/**
 * Spells `chan`: the lock of changes, which the functions of migration 0010 also use. Chunks are never locked, so our own
 * writers are kept apart by this lock. Storing vectors and processing the log take it shared; removing changes without
 * storing a vector and starting a backfill take it exclusively. It is held for a transaction of milliseconds.
 */
const changesLock = 0x6368616e;

/** Must be a statement of its own, so that the next statement sees what earlier holders have committed. */
export async function lockChanges(transaction: Queryable, how: "shared" | "alone"): Promise<void> {
  await transaction.execute(
    how === "shared"
      ? sql.raw(`select pg_advisory_xact_lock_shared(${changesLock})`)
      : sql.raw(`select pg_advisory_xact_lock(${changesLock})`),
  );
}

/** Number of the log's rows per transaction. */
const rowsAtOnce = 10_000;

/**
 * Turns what triggers have logged into changes of each profile, and removes vectors, quarantines and changes of deleted
 * chunks. Rows of an adopted table on which an expression fails are set aside, and those that were set aside are tried again.
 * If nothing is logged, as in most ticks, it is two short statements.
 */
export async function takeChanges(database: Database): Promise<void> {
  for (let checked = false; ; ) {
    await repeatOnConflict(() => database.execute(sql`select reembed.check_changed(${rowsAtOnce})`));
    const { rows } = await repeatOnConflict(() =>
      database.execute<{ moved: number; gone: number; failed: string[] }>(
        sql`select * from reembed.take_changes(${rowsAtOnce})`,
      ),
    );
    const { moved, gone, failed } = rows[0] ?? { moved: 0, gone: 0, failed: [] };
    if (failed.length > 0 && !checked) {
      await checkAllRows(database);
      checked = true;
      continue;
    }
    if (gone > 0) await repeatOnConflict(() => database.execute(sql`select reembed.remove_gone(${rowsAtOnce})`));
    if (moved + gone < rowsAtOnce) return;
  }
}

/**
 * Removes changes that need no work: of chunks that have a vector or a quarantine for their present text, as after a
 * reverted edit, and of deleted chunks, with everything else that is left of these.
 */
export async function settleChanges(
  database: Database,
  { name, relation }: RegisteredProfile,
  chunkIds: readonly number[],
): Promise<void> {
  await repeatOnConflict(() =>
    database.execute(sql`select reembed.settle_changes(${name}, ${relation}, ${sql.param(chunkIds)}::bigint[])`),
  );
}

/**
 * Selects `chunk_id, changed_at` of everything that waits for a profile: its changes, and the log of its chunking. A chunk
 * may occur several times; a chunk that is only prioritised has no time. Before the backfill starts, logged rows are not changes of the profile. The query itself checks
 * whether it has started, because the caller may have read the profile long before.
 */
export function waitingChanges({ name }: Pick<RegisteredProfile, "name">): SQL {
  return sql`
    select chunk_id, case when priority is null then changed_at end as changed_at
    from reembed.chunk_changes where profile = ${name}
    union all
    select l.chunk_id, l.changed_at from reembed.logged_changes l join reembed.profiles p on p.chunking = l.chunking
    where p.name = ${name} and p.state <> 'registered'`;
}

/** What triggers have recorded and no tick has processed yet. */
export interface LogBacklog {
  /** Ids from the first to the last: a transaction that was rolled back has left a gap. */
  rows: number;
  /** The age of the first row; 0 without rows. */
  oldestSeconds: number;
}

/** Reads two entries of an index, however long the log is. */
export async function readLogBacklog(database: Database): Promise<LogBacklog> {
  const { rows } = await database.execute<{ logged: string | null; oldest: number | null }>(sql`
    select (select max(id) from reembed.change_log) - first.id + 1 as logged,
      extract(epoch from clock_timestamp() - first.changed_at)::float8 as oldest
    from (select id, changed_at from reembed.change_log order by id limit 1) first`);
  return { rows: Number(rows[0]?.logged ?? 0), oldestSeconds: Math.max(0, Math.round(rows[0]?.oldest ?? 0)) };
}

/** Whether any chunk of a chunking may have changed, as after a TRUNCATE, and none was compared since. */
export function mayAllHaveChanged({ chunking }: Pick<RegisteredProfile, "chunking">): SQL {
  return sql`exists (
    select from reembed.change_log where chunking = ${chunking} and chunk_id is null and key is null)`;
}
