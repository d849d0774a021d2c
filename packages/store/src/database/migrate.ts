import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { defaultSchema, queueSchemaOf, ReembedError } from "@reembed/core";
import { sql } from "drizzle-orm";
import { readMigrationFiles } from "drizzle-orm/migrator";
import { migrate } from "drizzle-orm/node-postgres/migrator";
import type pg from "pg";
import { convertAdoptions } from "../adoption/convert-adoptions.ts";
import { type Database, sqlState } from "./database.ts";
import { installationClient, schemaOf } from "./installation.ts";
import { repeatOnLockTimeout } from "./lock-timeout.ts";
import { hasOneSession } from "./pooling.ts";

const migrationsFolder = fileURLToPath(new URL("../../../../drizzle", import.meta.url));
/** Spells `reem`: the advisory lock under which the schema is changed. */
const migrationLock = 0x7265656d;
const retryMs = 100;
const undefinedTable = "42P01";
const uniqueViolation = "23505";

/**
 * Runs `work` while no other process migrates. Drizzle's migrator takes no lock: four at once gave three errors. The lock
 * belongs to a transaction on a separate connection, because a pooler may give our next statement another session. With a
 * single session for all, that transaction would block `work`; but there the folder has a single owner anyway.
 */
export async function withMigrationLock<T>(database: Database, work: (locked: Database) => Promise<T>): Promise<T> {
  if (await hasOneSession(database)) return await work(database);
  const client = new (installationClient(schemaOf(database)))(database.$client.options);
  // Without a listener for "error", a lost connection would end the process.
  client.on("error", () => {});
  await client.connect();
  try {
    await client.query(`
      begin isolation level read committed;
      set local statement_timeout = 0;
      set local idle_in_transaction_session_timeout = 0`);
    // Without parameters: a portal with parameters keeps its snapshot, for which CONCURRENTLY would wait for ever.
    while (!(await tryMigrationLock(client))) await delay(retryMs);
    return await work(database);
  } finally {
    // On a lost connection there is nothing to unlock, and the loss is not the error to report.
    await client.query("commit").catch(() => undefined);
    await client.end();
  }
}

/** Polled: a session that waits within a statement has a snapshot, for which the lock's holder may be waiting. */
async function tryMigrationLock(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query(`select pg_try_advisory_xact_lock(${migrationLock}) as locked`);
  return rows[0]?.locked === true;
}

/**
 * Brings the schema to this version. Safe to run at any time, by any number of processes.
 * @throws ReembedError `tables_newer` or `schema_taken` (exit code 3).
 */
export async function migrateDatabase(database: Database): Promise<void> {
  await withMigrationLock(database, async (locked) => {
    const last = await lastMigration(locked);
    if (last === undefined) await refuseTaken(locked);
    refuseNewer(last);
    await createVector(locked);
    await repeatOnLockTimeout(() =>
      migrate(locked, { migrationsFolder, migrationsSchema: "reembed", migrationsTable: "migrations" }),
    );
    await convertAdoptions(locked);
  });
}

/** Another installation of this database, which has a lock of its own, may create it in the same moment. */
async function createVector(database: Database): Promise<void> {
  try {
    await database.execute(sql`create extension if not exists vector`);
  } catch (error) {
    if (sqlState(error) !== uniqueViolation) throw error;
  }
}

/**
 * Checks that the schema is the one of this version.
 * @throws ReembedError `tables_missing`, `tables_outdated` or `tables_newer` (exit code 3).
 */
export async function checkTables(database: Database): Promise<void> {
  const applied = await lastMigration(database);
  if (applied === undefined) throw notReady("tables_missing", describeMissing(schemaOf(database)));
  refuseNewer(applied);
  if (applied < newestMigration()) {
    throw notReady("tables_outdated", "Reembed's tables in the database are of an older version.");
  }
}

/** A clone and a package, or two hosts, may have different versions: the older one does not know what the newer one changed. */
function refuseNewer(applied: number | undefined): void {
  if (applied === undefined || applied <= newestMigration()) return;
  throw new ReembedError("tables_newer", "Reembed's tables in the database are of a newer version than this program.", {
    exitCode: 3,
    remedy:
      "Use the version that ran `reembed init` last: `reembed --version` tells it there. Older ones cannot be mixed with it.",
  });
}

/** The time at which the newest migration of this version was made, which orders them. */
function newestMigration(): number {
  return readMigrationFiles({ migrationsFolder }).at(-1)?.folderMillis ?? 0;
}

/** Whether `reembed init` has run, with whatever version. */
export async function hasTables(database: Database): Promise<boolean> {
  return (await lastMigration(database)) !== undefined;
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

function describeMissing(schema: string): string {
  const where = schema === defaultSchema ? "" : ` in the schema ${schema}`;
  return `The database does not have Reembed's tables${where}.`;
}

/** A schema of an application, or one that `reembed expose` has made, has relations, and no installation begins in it. */
async function refuseTaken(database: Database): Promise<void> {
  const { rows } = await database.execute(
    sql`select from pg_class where relnamespace = to_regnamespace('reembed') limit 1`,
  );
  if (rows.length === 0) return;
  throw new ReembedError("schema_taken", `The schema ${schemaOf(database)} has relations that are not Reembed's.`, {
    exitCode: 3,
    remedy: "Set REEMBED_SCHEMA to another name.",
  });
}

function notReady(code: string, message: string): ReembedError {
  return new ReembedError(code, message, { exitCode: 3, remedy: "Run `reembed init` with the same environment." });
}

/** Removes everything that Reembed and its queue store in a database, to start again. */
export async function dropTables(database: Database): Promise<void> {
  await withMigrationLock(database, async (locked) => {
    await locked.execute(sql`drop schema if exists reembed cascade`);
    await locked.execute(sql.raw(`drop schema if exists ${queueSchemaOf(schemaOf(locked))} cascade`));
  });
}
