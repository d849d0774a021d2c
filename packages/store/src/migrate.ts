import { fileURLToPath } from "node:url";
import { sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import { migrate } from "drizzle-orm/node-postgres/migrator";
import type { Database } from "./database.ts";

const migrationsFolder = fileURLToPath(new URL("../../../drizzle", import.meta.url));
/** Spells `reem`: the advisory lock under which the schema is changed. */
const migrationLock = 0x7265656d;

/** Runs `work` while no other process migrates. Drizzle's migrator takes no lock: four at once gave three errors. */
export async function withMigrationLock<T>(database: Database, work: (locked: Database) => Promise<T>): Promise<T> {
  const client = await database.$client.connect();
  try {
    const locked = drizzle(client) as unknown as Database;
    await locked.execute(sql`select pg_advisory_lock(${migrationLock})`);
    try {
      return await work(locked);
    } finally {
      await locked.execute(sql`select pg_advisory_unlock(${migrationLock})`);
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

/** Removes all that Reembed and its queue keep in a database, to begin anew. */
export async function dropTables(database: Database): Promise<void> {
  await withMigrationLock(database, async (locked) => {
    await locked.execute(sql`drop schema if exists reembed cascade`);
    await locked.execute(sql`drop schema if exists bullmq cascade`);
  });
}
