import { eq, sql } from "drizzle-orm";
import { checkAllRows } from "../changes/failing-rows.ts";
import type { Database, Queryable } from "../database/database.ts";
import { applicationTable, withLockTimeout } from "../database/lock-timeout.ts";
import { type AdoptedSource, chunkings } from "../schema/corpus.ts";
import { readFrom, stored } from "./adopted-relation.ts";
import { followChunks, followDocuments } from "./adopted-triggers.ts";

/** Creates the triggers of an adopted chunking again and changes what it is read from. */
export async function replaceSource(
  database: Database,
  chunking: string,
  source: AdoptedSource,
  before: (transaction: Queryable) => Promise<void> = async () => {},
): Promise<void> {
  await installDocumentTriggers(database, chunking, source);
  const replace = async (transaction: Queryable) => {
    await before(transaction);
    await followChunks(transaction, chunking, source);
    await transaction
      .update(chunkings)
      .set({ source, ...stored(readFrom(chunking, source)) })
      .where(eq(chunkings.name, chunking));
    await transaction.execute(sql`delete from reembed.failing_rows where chunking = ${chunking}`);
    await logEverything(transaction, chunking);
  };
  await withLockTimeout(database, replace, applicationTable);
  // By other expressions other rows may fail.
  await checkAllRows(database);
}

/**
 * In a transaction of its own, because a process that holds the lock of one table while it waits for that of another could
 * block the application for good.
 */
export async function installDocumentTriggers(
  database: Database,
  chunking: string,
  { documents }: AdoptedSource,
): Promise<void> {
  if (documents === undefined) return;
  const follow = (transaction: Queryable) => followDocuments(transaction, chunking, documents);
  await withLockTimeout(database, follow, applicationTable);
}

/** Asks the next tick to compare everything, as after a TRUNCATE. Returns the id of the row of the log that does. */
export async function logEverything(transaction: Queryable, chunking: string): Promise<number> {
  const { rows } = await transaction.execute<{ id: string }>(
    sql`insert into reembed.change_log (chunking) values (${chunking}) returning id`,
  );
  return Number(rows[0]?.id);
}
