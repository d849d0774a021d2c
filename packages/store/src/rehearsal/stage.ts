import { queueSchemaOf, ReembedError } from "@reembed/core";
import { sql } from "drizzle-orm";
import type { Database, Queryable } from "../database/database.ts";
import { schemaOf } from "../database/installation.ts";
import { quoted } from "../database/quoted.ts";

/** The schemas that a rehearsal takes place in. Nothing else of the database is written. */
export interface Stage {
  /** Of an installation of its own. */
  installation: string;
  /** Of BullMQ's tables, if the queue is in the database. */
  queue: string;
  /** Of the copied rows. */
  rows: string;
}

/** By the comment on a schema it is known that a rehearsal made it, and that it may be removed. */
const marker = "Made by `reembed rehearse`, which removes it";

export function stageOf(database: Database): Stage {
  const installation = `${schemaOf(database)}_rehearsal`;
  return { installation, queue: queueSchemaOf(installation), rows: `${installation}_rows` };
}

/** Takes the right to rehearse beside an installation, unless another session has it. It ends with the session. */
export async function tryRehearsalLock(session: Queryable, { installation }: Stage): Promise<boolean> {
  const { rows } = await session.execute<{ locked: boolean }>(
    sql`select pg_try_advisory_lock(hashtext('rehearsal'), hashtext(${installation})) as locked`,
  );
  return rows[0]?.locked === true;
}

/**
 * Creates the empty schemas.
 * @throws ReembedError `schema_taken` (exit code 3) if one of these names is in use.
 */
export async function createStage(database: Database, stage: Stage): Promise<void> {
  await database.transaction(async (transaction) => {
    for (const { name, isOurs } of await readStage(transaction, stage)) if (!isOurs) throw taken(name);
    for (const name of Object.values(stage)) {
      await transaction.execute(sql.raw(`create schema ${quoted(name)}`));
      await transaction.execute(sql.raw(`comment on schema ${quoted(name)} is '${marker}'`));
    }
  });
}

/** Drops the schemas with everything in them, also those that a rehearsal left that was killed. Others' schemas stay. */
export async function strikeStage(database: Database, stage: Stage): Promise<void> {
  for (const { name, isOurs } of await readStage(database, stage)) {
    if (isOurs) await database.execute(sql.raw(`drop schema ${quoted(name)} cascade`));
  }
}

async function readStage(database: Queryable, stage: Stage): Promise<{ name: string; isOurs: boolean }[]> {
  const { rows } = await database.execute<{ name: string; isOurs: boolean }>(sql`
    select nspname as name, obj_description(oid, 'pg_namespace') is not distinct from ${marker} as "isOurs"
    from pg_namespace where nspname = any(${sql.param(Object.values(stage))}::text[])`);
  return rows;
}

function taken(schema: string): ReembedError {
  return new ReembedError("schema_taken", `A rehearsal needs the schema ${schema}, which is there already.`, {
    exitCode: 3,
    remedy: "Rename it, or drop it if nothing needs it.",
  });
}
