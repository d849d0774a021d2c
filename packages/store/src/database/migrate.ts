import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { ReembedError } from "@reembed/core";
import { sql } from "drizzle-orm";
import { readMigrationFiles } from "drizzle-orm/migrator";
import { migrate } from "drizzle-orm/node-postgres/migrator";
import pg from "pg";
import { type Database, sqlState } from "./database.ts";
import { repeatOnLockTimeout } from "./lock-timeout.ts";
import { hasOneSession } from "./pooling.ts";

const migrationsFolder = fileURLToPath(new URL("../../../../drizzle", import.meta.url));
/** Spells `reem`: the advisory lock under which the schema is changed. */
const migrationLock = 0x7265656d;
const retryMs = 100;
const undefinedTable = "42P01";

/**
 * Runs `work` while no other process migrates. Drizzle's migrator takes no lock: four at once gave three errors. The lock
 * is a transaction's, on a connection of its own, because a pooler may give our next statement another session; where
 * there is one session for all, that transaction would hold up `work`, and the folder has one owner anyway.
 */
export async function withMigrationLock<T>(database: Database, work: (locked: Database) => Promise<T>): Promise<T> {
  if (await hasOneSession(database)) return await work(database);
  const client = new pg.Client(database.$client.options);
  // Without a listener its loss would end the process.
  client.on("error", () => {});
  await client.connect();
  try {
    await client.query(`
      begin isolation level read committed;
      set local statement_timeout = 0;
      set local idle_in_transaction_session_timeout = 0`);
    // Without a parameter: the portal of one that has some keeps its snapshot, for which CONCURRENTLY would wait for ever.
    while (!(await tryMigrationLock(client))) await delay(retryMs);
    return await work(database);
  } finally {
    // On a lost connection there is nothing to unlock, and its loss is not what is to be told.
    await client.query("commit").catch(() => undefined);
    await client.end();
  }
}

/** Asked again and again: whoever waits within a statement has a snapshot, and the one who has the lock may wait for that. */
async function tryMigrationLock(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query(`select pg_try_advisory_xact_lock(${migrationLock}) as locked`);
  return rows[0]?.locked === true;
}

/** Brings the schema to this version. Safe to run at any time, by any number of processes. */
export async function migrateDatabase(database: Database): Promise<void> {
  await withMigrationLock(database, async (locked) => {
    await locked.execute(sql`create extension if not exists vector`);
    await repeatOnLockTimeout(() =>
      migrate(locked, { migrationsFolder, migrationsSchema: "reembed", migrationsTable: "migrations" }),
    );
  });
}

/**
 * Checks that the schema is there and no older than this version; one that is newer will do.
 * @throws ReembedError `tables_missing` or `tables_outdated` (exit code 3).
 */
export async function checkTables(database: Database): Promise<void> {
  const newest = readMigrationFiles({ migrationsFolder }).at(-1)?.folderMillis ?? 0;
  const applied = await lastMigration(database);
  if (applied === undefined) throw notReady("tables_missing", "The database has no tables of Reembed.");
  if (applied < newest) throw notReady("tables_outdated", "The tables of Reembed are of an older version.");
}

async function lastMigration(database: Database): Promise<number | undefined> {
  try {
    const { rows } = await database.execute<{ applied: string | null }>(
      sql`select max(created_at) as applied from reembed.migrations`,
    );
    return Number(rows[0]?.applied ?? 0);
  } catch (error) {
    if (sqlState(error) === undefinedTable) return undefined;
    throw error;
  }
}

function notReady(code: string, message: string): ReembedError {
  return new ReembedError(code, message, { exitCode: 3, remedy: "Run `reembed init` with the same environment." });
}

/** Removes all that Reembed and its queue keep in a database, to begin anew. */
export async function dropTables(database: Database): Promise<void> {
  await withMigrationLock(database, async (locked) => {
    await locked.execute(sql`drop schema if exists reembed cascade`);
    await locked.execute(sql`drop schema if exists bullmq cascade`);
  });
}
