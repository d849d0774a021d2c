import { type ChunkSlice, chunkText, diffChunks } from "@reembed/core";
import { and, inArray, isNull, ne, sql } from "drizzle-orm";
import type { Queryable } from "../database/database.ts";
import { chunkings } from "../schema/corpus.ts";
import { profiles } from "../schema/profiles.ts";

export interface ChunkCounts {
  added: number;
  kept: number;
  removed: number;
}

export const noChunks: Readonly<ChunkCounts> = { added: 0, kept: 0, removed: 0 };

export function addChunkCounts(a: ChunkCounts, b: ChunkCounts): ChunkCounts {
  return { added: a.added + b.added, kept: a.kept + b.kept, removed: a.removed + b.removed };
}

/**
 * Cuts documents into every chunking of our own. Chunks whose text stays keep their rows and vectors. The transaction must
 * have locked the documents' rows, so that others who cut one of them wait.
 */
export async function cutDocuments(
  transaction: Queryable,
  documents: readonly { id: number; body: string }[],
): Promise<ChunkCounts> {
  let counts: ChunkCounts = noChunks;
  if (documents.length === 0) return counts;
  for (const chunking of await readOwnChunkings(transaction)) {
    const cut = documents.map(({ id, body }) => ({ id, slices: chunkText(body, chunking) }));
    counts = addChunkCounts(counts, await replaceChunks(transaction, chunking, cut));
  }
  return counts;
}

/** The chunkings of our own, not those of an application, that are used by a profile which is not retired. */
export async function readOwnChunkings(database: Queryable): Promise<(typeof chunkings.$inferSelect)[]> {
  const inUse = database.select({ name: profiles.chunking }).from(profiles).where(ne(profiles.state, "retired"));
  return await database
    .select()
    .from(chunkings)
    .where(and(isNull(chunkings.source), inArray(chunkings.name, inUse)))
    .orderBy(chunkings.name);
}

interface StoredChunk extends ChunkSlice {
  id: number;
  documentId: number;
}

async function replaceChunks(
  transaction: Queryable,
  chunking: typeof chunkings.$inferSelect,
  cut: readonly { id: number; slices: ChunkSlice[] }[],
): Promise<ChunkCounts> {
  const relation = sql.raw(chunking.relation);
  const stored = await readChunks(
    transaction,
    chunking.relation,
    cut.map((document) => document.id),
  );
  const diffs = cut.map(({ id, slices }) => ({ id, ...diffChunks(stored.get(id) ?? [], slices) }));
  const added = diffs.flatMap(({ id, added }) => added.map((slice) => ({ documentId: id, ...slice })));
  const moved = diffs.flatMap(({ moved }) => moved.map(({ stored, slice }) => ({ ...slice, id: stored.id })));
  const removed = diffs.flatMap(({ removed }) => removed.map((chunk) => chunk.id));

  if (removed.length > 0) {
    await transaction.execute(sql`delete from ${relation} where id = any(${sql.param(removed)}::bigint[])`);
  }
  if (moved.length > 0) {
    await transaction.execute(sql`
      update ${relation} c set position = input.position, start_offset = input.start_offset, end_offset = input.end_offset
      from unnest(
        ${sql.param(moved.map((chunk) => chunk.id))}::bigint[], ${sql.param(moved.map((chunk) => chunk.position))}::int[],
        ${sql.param(moved.map((chunk) => chunk.start))}::int[], ${sql.param(moved.map((chunk) => chunk.end))}::int[]
      ) as input (id, position, start_offset, end_offset)
      where c.id = input.id`);
  }
  if (added.length > 0) {
    await transaction.execute(sql`
      insert into ${relation} (chunking, document_id, position, start_offset, end_offset, content)
      select ${chunking.name}, input.* from unnest(
        ${sql.param(added.map((chunk) => chunk.documentId))}::bigint[],
        ${sql.param(added.map((chunk) => chunk.position))}::int[],
        ${sql.param(added.map((chunk) => chunk.start))}::int[], ${sql.param(added.map((chunk) => chunk.end))}::int[],
        ${sql.param(added.map((chunk) => chunk.content))}::text[]
      ) as input`);
  }
  const kept = moved.length + diffs.reduce((sum, diff) => sum + diff.unchanged, 0);
  return { added: added.length, kept, removed: removed.length };
}

/** The chunks of these documents, by document. */
async function readChunks(
  transaction: Queryable,
  relation: string,
  documentIds: readonly number[],
): Promise<Map<number, StoredChunk[]>> {
  const { rows } = await transaction.execute<
    Record<"id" | "document_id", string> &
      Record<"position" | "start_offset" | "end_offset", number> & { content: string }
  >(sql`
    select id, document_id, position, start_offset, end_offset, content from ${sql.raw(relation)}
    where document_id = any(${sql.param(documentIds)}::bigint[])
    order by id`);
  const chunks = rows.map((row) => ({
    id: Number(row.id),
    documentId: Number(row.document_id),
    position: row.position,
    start: row.start_offset,
    end: row.end_offset,
    content: row.content,
  }));
  return Map.groupBy(chunks, (chunk) => chunk.documentId);
}
