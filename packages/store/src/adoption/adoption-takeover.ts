import { beforeFirstId, chunkingName, type Profile, ReembedError } from "@reembed/core";
import { and, eq, ne, sql } from "drizzle-orm";
import type { Database, Queryable } from "../database/database.ts";
import { applicationTable, withLockTimeout } from "../database/lock-timeout.ts";
import { withMigrationLock } from "../database/migrate.ts";
import { type AdoptedSource, chunkings } from "../schema/corpus.ts";
import { profiles } from "../schema/profiles.ts";
import { chunksPartition, profileView } from "../schema/relations.ts";
import { chunkIds, readFrom, stored } from "./adopted-relation.ts";
import { followChunks } from "./adopted-triggers.ts";
import { readAdoption } from "./adoption.ts";
import { installDocumentTriggers, logEverything, replaceSource } from "./replace-source.ts";
import { logUnnumbered, numberRows } from "./row-numbers.ts";

/**
 * Makes an application's table the chunks of a profile: a subquery over it replaces the profile's own partition, which must
 * be empty, and triggers record changes from now on. The table's rows are not changed.
 *
 * CREATE TRIGGER waits for running writers, at most a tenth of a second at a time. It is the only lock on the table besides
 * that of a reader. The profile's state and target are set under it, so that every chunk is either below the target or in
 * the log. The table of documents comes first and separately, because a process that holds one of the two locks while it
 * waits for the other could block the application for good.
 * @param vectors Whether the table's vectors are the profile's.
 * @throws ReembedError `already_adopted`, `corpus_loaded` or `chunking_used` (exit code 3).
 */
export async function takeOver(
  database: Database,
  profile: Profile,
  source: AdoptedSource,
  { vectors }: { vectors: boolean },
): Promise<void> {
  const chunking = chunkingName(profile.chunking);
  await withMigrationLock(database, async (locked) => {
    await refuseOccupied(locked, chunking);
    const since = source.numbered ? await numberRows(locked, chunking, source, { alone: true }) : "";
    await installDocumentTriggers(locked, chunking, source);
    const takeChunks = async (transaction: Queryable) => {
      await replacePartition(transaction, chunking);
      await followChunks(transaction, chunking, source);
      const reads = readFrom(chunking, source);
      await transaction
        .update(chunkings)
        .set({ source, ...stored(reads) })
        .where(eq(chunkings.name, chunking));
      // For rows that were inserted since all were numbered; a tick finds them if this process ends here.
      const everything = source.numbered ? await logEverything(transaction, chunking) : undefined;
      // To join the rows with their numbers took more than a second with 200,000 rows, and writers would wait for that.
      const ids = sql.raw(chunkIds({ chunking, relation: reads.relation, source }));
      await transaction.execute(sql`
        update reembed.profiles set
          state = case when newest is null then 'registered' when ${vectors} then 'adopting' else 'backfilling' end,
          backfill_order = 'id', backfill_cursor = ${beforeFirstId}::bigint, backfill_target = coalesce(newest, 0)
        from (select max(id) as newest from ${ids} c) chunks where name = ${profile.name}`);
      if (source.chunks === "keep") await moveToAdopted(transaction, chunking);
      // A live system must not get unexpected load: `reembed backfill start` starts it.
      await transaction.execute(
        sql`update reembed.profiles set paused = true where name <> ${profile.name} and state = 'registered'`,
      );
      return everything;
    };
    const everything = await withLockTimeout(locked, takeChunks, applicationTable);
    if (everything !== undefined) await logUnnumbered(locked, chunking, source, { everything, since });
  });
}

/**
 * Reads an adopted table from now on as `source` says: after its columns were changed, or the table was replaced under its
 * name. Triggers that are missing are created. Everything is compared by the next tick.
 */
export async function adoptAgain(database: Database, chunking: string, source: AdoptedSource): Promise<void> {
  await withMigrationLock(database, async (locked) => {
    // The key may have another type than before.
    await locked.execute(sql.raw(`drop index if exists reembed."chunk_keys_${chunking}"`));
    await replaceSource(locked, chunking, source);
    if (source.numbered) await numberRows(locked, chunking, source, { alone: false });
  });
}

async function refuseOccupied(database: Queryable, chunking: string): Promise<void> {
  const adoption = await readAdoption(database);
  if (adoption !== undefined) {
    throw new ReembedError(
      "already_adopted",
      `${adoption.source.table} has already been adopted, as chunking ${adoption.chunking}.`,
      {
        exitCode: 3,
        remedy: "An installation has one adopted table: set REEMBED_SCHEMA to another schema for the other table.",
      },
    );
  }
  const { rows } = await database.execute<{ documents: boolean; chunks: boolean }>(sql`
    select exists (select from reembed.documents where source_key is null) as documents,
      exists (select from ${sql.raw(chunksPartition(chunking))}) as chunks`);
  if (rows[0]?.documents) {
    throw new ReembedError("corpus_loaded", "The database contains documents that were loaded.", {
      exitCode: 3,
      remedy: "Set REEMBED_SCHEMA to another schema for the table: loaded and adopted documents cannot be mixed.",
    });
  }
  if (rows[0]?.chunks) {
    throw new ReembedError("chunking_used", `The chunking ${chunking} already has chunks.`, { exitCode: 3 });
  }
}

/** Nothing writes to a chunking without documents. Its profiles lose what they had recorded about the partition. */
async function replacePartition(transaction: Queryable, chunking: string): Promise<void> {
  const concerned = await transaction
    .select({ name: profiles.name })
    .from(profiles)
    .where(eq(profiles.chunking, chunking));
  for (const { name } of concerned) await transaction.execute(sql.raw(`drop view if exists ${profileView(name)}`));
  await transaction.execute(sql.raw(`drop table ${chunksPartition(chunking)}`));
}

/** Profiles without vectors embed the adopted chunks too. Their views are created again when they are registered. */
async function moveToAdopted(transaction: Queryable, chunking: string): Promise<void> {
  const moved = await transaction
    .update(profiles)
    .set({ chunking })
    .where(and(eq(profiles.state, "registered"), ne(profiles.chunking, chunking)))
    .returning({ name: profiles.name });
  for (const { name } of moved) await transaction.execute(sql.raw(`drop view if exists ${profileView(name)}`));
}
