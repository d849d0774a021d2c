import { sql } from "drizzle-orm";
import type { Queryable } from "../database/database.ts";
import { oidOf } from "../database/quoted.ts";
import { chunksPartition } from "../schema/relations.ts";

/** Creates the partition for the chunks that Reembed cuts for a chunking, unless it exists. */
export async function createChunkPartition(transaction: Queryable, chunking: string): Promise<void> {
  const partition = chunksPartition(chunking);
  await createPartition(transaction, partition, [
    `create table ${partition} (like reembed.chunks including defaults including indexes)`,
    `alter table ${partition} add primary key (id)`,
    `create trigger record_change after insert on ${partition} for each row
       execute function reembed.record_chunk_change('${chunking}')`,
    `create trigger record_edit after update of content on ${partition} for each row
       when (old.content is distinct from new.content) execute function reembed.record_chunk_change('${chunking}')`,
    `create trigger forget after delete on ${partition} for each row
       execute function reembed.forget_chunk('${chunking}')`,
    `create trigger count_emptied after truncate on ${partition} for each statement
       execute function reembed.mark_all('chunks', '${chunking}')`,
    `alter table reembed.chunks attach partition ${partition} for values in ('${chunking}')`,
  ]);
}

/**
 * Partitions are created with LIKE and ATTACH: `PARTITION OF` needs an exclusive lock on the parent and would wait for one
 * long reader, with every search waiting behind it.
 */
export async function createPartition(
  transaction: Queryable,
  partition: string,
  statements: readonly string[],
): Promise<void> {
  const existing = await transaction.execute(sql`select from pg_class where oid = ${oidOf(partition)}`);
  if (existing.rows.length > 0) return;
  for (const statement of statements) await transaction.execute(sql.raw(statement));
}
