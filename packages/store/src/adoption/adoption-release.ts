import { eq, sql } from "drizzle-orm";
import type { Database } from "../database/database.ts";
import { withLockTimeout } from "../database/lock-timeout.ts";
import { withMigrationLock } from "../database/migrate.ts";
import { storedSql } from "../database/quoted.ts";
import { createChunkPartition } from "../registration/chunk-partition.ts";
import { createProfileView } from "../registration/profile-view.ts";
import { chunkings } from "../schema/corpus.ts";
import { chunksPartition, embeddingsPartition } from "../schema/relations.ts";
import { removeTriggers } from "./adopted-triggers.ts";

/**
 * Lets go of an adopted table, whatever has become of it: removes our triggers and functions for it, and what is stored of
 * its rows. Its profiles are as they were when they were registered, with a partition for chunks of their own. Each step can be
 * repeated after an interruption, and until the last one the table counts as adopted.
 */
export async function releaseAdoption(database: Database, chunking: string): Promise<void> {
  await withMigrationLock(database, async (locked) => {
    await removeTriggers(locked, chunking);
    await withLockTimeout(locked, async (transaction) => {
      const { rows } = await transaction.execute<{ name: string; dimensions: number }>(sql`
        update reembed.profiles set state = 'registered', paused = true, ann = null, held = null, completed_at = null,
          backfill_cursor = 0, backfill_target = 0
        where chunking = ${chunking} and state <> 'retired' returning name, dimensions`);
      for (const { name } of rows) {
        await transaction.execute(sql.raw(`truncate ${embeddingsPartition(name)}`));
        for (const table of ["chunk_changes", "quarantined_chunks", "sweeps"]) {
          await transaction.execute(sql`delete from reembed.${sql.raw(table)} where profile = ${name}`);
        }
      }
      for (const table of ["chunk_keys", "chunk_offsets", "change_log", "failing_rows"]) {
        await transaction.execute(sql`delete from reembed.${sql.raw(table)} where chunking = ${chunking}`);
      }
      await transaction.execute(sql`delete from reembed.document_changes where key in (
        select source_key from reembed.documents where source_key is not null)`);
      await transaction.execute(sql.raw(`drop index if exists reembed."chunk_keys_${chunking}"`));
      const relation = storedSql(chunksPartition(chunking));
      await transaction
        .update(chunkings)
        .set({ source: null, keys: null, expressions: null, relation })
        .where(eq(chunkings.name, chunking));
      await createChunkPartition(transaction, chunking);
      for (const profile of rows) await createProfileView(transaction, profile, chunking);
    });
  });
}
