import { fileURLToPath } from "node:url";
import { ReembedError } from "@reembed/core";
import { sql } from "drizzle-orm";
import { readMigrationFiles } from "drizzle-orm/migrator";
import { drizzle } from "drizzle-orm/node-postgres";
import { migrate } from "drizzle-orm/node-postgres/migrator";
import { type Database, sqlState } from "./database.ts";

const migrationsFolder = fileURLToPath(new URL("../../../drizzle", import.meta.url));
/** Spells `reem`: the advisory lock under which the schema is changed. */
const migrationLock = 0x7265656d;
const undefinedTable = "42P01";

/** Runs `work` while no other process migrates. Drizzle's migrator takes no lock: four at once gave three errors. */
export async function withMigrationLock<T>(database: Database, work: (locked: Database) => Promise<T>): Promise<T> {
  const client = await database.$client.connect();
  try {
    const locked = drizzle(client) as unknown as Database;
    await locked.execute(sql`select pg_advisory_lock(${migrationLock})`);
    try {
      return await work(locked);
    } finally {
      // On a lost connection there is nothing to unlock, and its loss is what is to be told.
      await locked.execute(sql`select pg_advisory_unlock(${migrationLock})`).catch(() => undefined);
    }
  } finally {
    client.release();
  }
}

/** Brings the schema to this version. Safe to run at any time, by any number of processes. */
export async function migrateDatabase(database: Database): Promise<void> {
  await withMigrationLock(database, async (locked) => {
    await locked.execute(sql`create extension if not exists vector`);
    await migrate(locked, { migrationsFolder, migrationsSchema: "reembed", migrationsTable: "migrations" });
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
