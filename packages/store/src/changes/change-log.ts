import { type SQL, sql } from "drizzle-orm";
import type { Database, Queryable } from "../database/database.ts";
import { repeatOnConflict } from "../database/repeat-on-conflict.ts";
import type { RegisteredProfile } from "../profiles/profiles.ts";

/**
 * Spells `chan`: the lock of changes, as the functions of migration 0010 have it. Nobody locks a chunk, so what they do
 * is kept apart here, on our own side: whoever stores vectors or moves the log shares it, and whoever takes changes away
 * without storing a vector, or begins a backfill, has it alone. It is a transaction's, and these take milliseconds.
 */
const changesLock = 0x6368616e;

/** To be called by a statement of its own, so that the next one sees what those before have left. */
export async function lockChanges(transaction: Queryable, how: "shared" | "alone"): Promise<void> {
  await transaction.execute(
    how === "shared"
      ? sql`select pg_advisory_xact_lock_shared(${changesLock})`
      : sql`select pg_advisory_xact_lock(${changesLock})`,
  );
}

/** Rows of the log that are moved by one transaction. */
const rowsAtOnce = 10_000;

/**
 * Moves what triggers have logged to the changes of each profile, and removes vectors, quarantines and changes of chunks
 * that are gone. Where nothing is logged, as in most ticks, it is one short statement.
 */
export async function takeChanges(database: Database): Promise<void> {
  for (;;) {
    const { rows } = await repeatOnConflict(() =>
      database.execute<{ moved: number; gone: number }>(sql`select * from reembed.take_changes(${rowsAtOnce})`),
    );
    const { moved, gone } = rows[0] ?? { moved: 0, gone: 0 };
    if (gone > 0) await repeatOnConflict(() => database.execute(sql`select reembed.remove_gone(${rowsAtOnce})`));
    if (moved + gone < rowsAtOnce) return;
  }
}

/**
 * Takes changes away that ask for nothing: of chunks that have a vector or a quarantine for their present text, as after
 * an edit that was taken back, and of chunks that are gone, with all that is left of these.
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
 * Selects `chunk_id, changed_at` of all that waits for a profile: its changes, and what the log has of its chunking. A
 * chunk may come more than once. Before its backfill begins, what is logged is no change of it; whether it has begun is
 * asked in the database, because a profile may have been read long before.
 */
export function waitingChanges({ name }: Pick<RegisteredProfile, "name">): SQL {
  return sql`
    select chunk_id, changed_at from reembed.chunk_changes where profile = ${name}
    union all
    select l.chunk_id, l.changed_at from reembed.change_log l join reembed.profiles p on p.chunking = l.chunking
    where p.name = ${name} and p.state <> 'registered' and l.chunk_id is not null`;
}

/** Whether all chunks of a chunking went at once, by TRUNCATE, and nobody has looked at that yet. */
export function wasTruncated({ chunking }: Pick<RegisteredProfile, "chunking">): SQL {
  return sql`exists (select from reembed.change_log where chunking = ${chunking} and chunk_id is null)`;
}
