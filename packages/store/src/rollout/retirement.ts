import type { Rollout } from "@reembed/core";
import { and, eq, sql } from "drizzle-orm";
import { type Database, type Queryable, sqlState } from "../database/database.ts";
import { withLockTimeout } from "../database/lock-timeout.ts";
import { withMigrationLock } from "../database/migrate.ts";
import { oidOf } from "../database/quoted.ts";
import { readExposures, removeExposure } from "../exposure/exposure.ts";
import type { RegisteredProfile } from "../profiles/profiles.ts";
import { profiles } from "../schema/profiles.ts";
import { chunksPartition, embeddingsPartition, profileView } from "../schema/relations.ts";
import { type ChangeReason, changeRollout } from "./rollout.ts";

const undefinedTable = "42P01";

/**
 * Marks the baseline as retired, and records that as a change of the rollout that moves nobody. A concurrent rollback makes
 * this fail, or fails itself.
 * @throws ReembedError `rollout_changed` if the rollout was changed meanwhile.
 */
export async function retireBaseline(database: Database, rollout: Rollout, reason: ChangeReason): Promise<void> {
  await database.transaction(async (transaction) => {
    await changeRollout(transaction, rollout, rollout, reason);
    await transaction
      .update(profiles)
      .set({ state: "retired", throttleReason: null })
      .where(eq(profiles.name, rollout.baseline));
  });
}

export async function isRetired(database: Queryable, profile: string): Promise<boolean> {
  const { rows } = await database.execute(
    sql`select from reembed.profiles where name = ${profile} and state = 'retired'`,
  );
  return rows.length > 0;
}

/** What `removeRetired` would remove, for a confirmation. */
export interface Removal {
  vectors: number;
  /** Size of the vectors with their indexes. */
  bytes: number;
  /** Number of chunks that no other profile reads; 0 if they stay. */
  chunks: number;
  /** The schema in which an application reads its vectors; null if there is none. */
  exposure: string | null;
}

export async function readRemoval(database: Database, profile: RegisteredProfile): Promise<Removal> {
  const partition = embeddingsPartition(profile.name);
  const staying = profile.source !== null || (await isReadByOthers(database, profile));
  const exposure = (await readExposures(database)).find((one) => one.profile === profile.name)?.schema ?? null;
  try {
    const { rows } = await database.execute<Record<"vectors" | "bytes" | "chunks", string>>(sql`
      select (select count(*) from ${sql.raw(partition)}) as vectors, pg_total_relation_size(${oidOf(partition)}) as bytes,
        ${staying ? sql`0` : sql`(select count(*) from ${sql.raw(profile.relation)} c)`} as chunks`);
    const [row] = rows;
    return { vectors: Number(row?.vectors), bytes: Number(row?.bytes), chunks: Number(row?.chunks), exposure };
  } catch (error) {
    // Somebody else removes it at this moment.
    if (sqlState(error) !== undefinedTable) throw error;
    return { vectors: 0, bytes: 0, chunks: 0, exposure };
  }
}

/** A retired profile that is wanted again starts again without vectors; its partitions are created by its registration. */
export async function reviveRetired(database: Queryable, profile: string): Promise<void> {
  await database
    .update(profiles)
    .set({ state: "registered", backfillCursor: 0, backfillTarget: 0, ann: null, completedAt: null })
    .where(and(eq(profiles.name, profile), eq(profiles.state, "retired")));
}

/**
 * Removes what a retired profile has in the database: its views, its vectors, and the chunks that no other profile reads. Each
 * step checks whether it is still necessary, so it can be killed at any point and repeated. An adopted chunking stays, with
 * our view and triggers, because the application's table is where the documents come from.
 */
export async function removeRetired(database: Database, profile: RegisteredProfile): Promise<void> {
  await withMigrationLock(database, async (locked) => {
    await locked.execute(sql`delete from reembed.chunk_changes where profile = ${profile.name}`);
    await locked.execute(sql`delete from reembed.quarantined_chunks where profile = ${profile.name}`);
    await removeExposure(locked, profile.name);
    await withLockTimeout(locked, async (transaction) => {
      await transaction.execute(sql.raw(`drop view if exists ${profileView(profile.name)}`));
    });
    await removePartition(locked, "reembed.chunk_embeddings", embeddingsPartition(profile.name));
    await forgetCounts(locked, "vectors", profile.name);
    if (profile.source !== null || (await isReadByOthers(locked, profile))) return;
    await removePartition(locked, "reembed.chunks", chunksPartition(profile.chunking));
    await forgetCounts(locked, "chunks", profile.chunking);
  });
}

async function forgetCounts(database: Queryable, kind: "chunks" | "vectors", name: string): Promise<void> {
  for (const table of ["block_counts", "count_marks"]) {
    await database.execute(sql`delete from reembed.${sql.raw(table)} where kind = ${kind} and name = ${name}`);
  }
}

async function isReadByOthers(database: Queryable, { name, chunking }: RegisteredProfile): Promise<boolean> {
  const { rows } = await database.execute(sql`
    select from reembed.profiles where chunking = ${chunking} and name <> ${name} and state <> 'retired'`);
  return rows.length > 0;
}

/**
 * A plain DETACH waits for one long reader of the parent, with every search waiting behind it. CONCURRENTLY waits without
 * blocking anybody. If it was killed, FINALIZE completes it.
 */
async function removePartition(database: Database, parent: string, partition: string): Promise<void> {
  const { rows } = await database.execute<{ pending: boolean }>(sql`
    select inhdetachpending as pending from pg_inherits
    where inhparent = ${oidOf(parent)} and inhrelid = ${oidOf(partition)}`);
  const [attached] = rows;
  if (attached !== undefined) {
    const how = attached.pending ? "finalize" : "concurrently";
    await database.execute(sql.raw(`alter table ${parent} detach partition ${partition} ${how}`));
  }
  await withLockTimeout(database, async (transaction) => {
    await transaction.execute(sql.raw(`drop table if exists ${partition}`));
  });
}
