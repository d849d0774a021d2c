import { queueSchemaOf, ReembedError } from "@reembed/core";
import { sql } from "drizzle-orm";
import type { Database, Queryable } from "../database/database.ts";
import { rehearsalMarker, schemaOf } from "../database/installation.ts";
import { quoted } from "../database/quoted.ts";
import { repeatOnConflict } from "../database/repeat-on-conflict.ts";

/** The schemas that a rehearsal takes place in. Nothing else of the database is written. */
export interface RehearsalSchemas {
  /** Of an installation of its own. */
  installation: string;
  /** Of BullMQ's tables, if the queue is in the database. */
  queue: string;
  /** Of the copied rows. */
  rows: string;
}

export function rehearsalSchemas(live: Database): RehearsalSchemas {
  const installation = `${schemaOf(live)}_rehearsal`;
  return { installation, queue: queueSchemaOf(installation), rows: `${installation}_rows` };
}

/** Takes the right to rehearse beside an installation, unless another session has it. It ends with the session. */
export async function tryRehearsalLock(session: Queryable, { installation }: RehearsalSchemas): Promise<boolean> {
  const { rows } = await session.execute<{ locked: boolean }>(
    sql`select pg_try_advisory_lock(hashtext('rehearsal'), hashtext(${installation})) as locked`,
  );
  return rows[0]?.locked === true;
}

/** Those of the schemas that a rehearsal made and that are still there, as after one that was killed. */
export async function readLeftSchemas(database: Queryable, schemas: RehearsalSchemas): Promise<string[]> {
  return (await readPresent(database, schemas)).filter(({ isOurs }) => isOurs).map(({ name }) => name);
}

/**
 * Creates the empty schemas.
 * @throws ReembedError `schema_taken` (exit code 3) if one of these names is in use, and `all_published` (exit code 3) if
 * their tables would reach the subscribers of a publication.
 */
export async function createRehearsalSchemas(database: Database, schemas: RehearsalSchemas): Promise<void> {
  await database.transaction(async (transaction) => {
    await refusePublished(transaction);
    const [taken] = await readPresent(transaction, schemas);
    if (taken !== undefined) throw schemaTaken(taken.name);
    for (const name of Object.values(schemas)) {
      await transaction.execute(sql.raw(`create schema ${quoted(name)}`));
      await transaction.execute(sql.raw(`comment on schema ${quoted(name)} is '${rehearsalMarker}'`));
    }
  });
}

/**
 * Drops what `readLeftSchemas` finds, with everything in it. The build of an index goes on in the server when its session is
 * left, and is cancelled first.
 */
export async function dropRehearsalSchemas(database: Database, schemas: RehearsalSchemas): Promise<void> {
  await database.execute(sql`
    select pg_cancel_backend(p.pid) from pg_stat_progress_create_index p join pg_class c on c.oid = p.relid
    where c.relnamespace = to_regnamespace(${schemas.installation})`);
  for (const name of await readLeftSchemas(database, schemas)) {
    await repeatOnConflict(() => database.execute(sql.raw(`drop schema ${quoted(name)} cascade`)));
  }
}

async function readPresent(
  database: Queryable,
  schemas: RehearsalSchemas,
): Promise<{ name: string; isOurs: boolean }[]> {
  const { rows } = await database.execute<{ name: string; isOurs: boolean }>(sql`
    select nspname as name, obj_description(oid, 'pg_namespace') is not distinct from ${rehearsalMarker} as "isOurs"
    from pg_namespace where nspname = any(${sql.param(Object.values(schemas))}::text[])`);
  return rows;
}

/** A subscriber stops at the first row of a table that it does not have. */
async function refusePublished(database: Queryable): Promise<void> {
  const { rows } = await database.execute<{ name: string }>(
    sql`select pubname as name from pg_publication where puballtables`,
  );
  const [first] = rows;
  if (first === undefined) return;
  throw new ReembedError(
    "all_published",
    `The publication ${first.name} is for all tables: its subscribers would stop at those of a rehearsal.`,
    { exitCode: 3, remedy: "Rehearse with a copy of the database." },
  );
}

function schemaTaken(schema: string): ReembedError {
  return new ReembedError("schema_taken", `A rehearsal needs the schema ${schema}, which is there already.`, {
    exitCode: 3,
    remedy: "Rename that schema, or rehearse with a copy of the database.",
  });
}
