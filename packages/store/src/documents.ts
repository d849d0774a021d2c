import { type ChunkSlice, chunkText, diffChunks } from "@reembed/core";
import { sql } from "drizzle-orm";
import type { Database, Queryable } from "./database.ts";
import { chunkings } from "./schema.ts";

export interface DocumentInput {
  /** Identifies the document: storing it again changes it. */
  uri: string;
  title: string;
  language: string;
  body: string;
  metadata: Record<string, unknown>;
}

export interface StoredDocuments {
  added: number;
  changed: number;
  unchanged: number;
  chunks: { added: number; kept: number; removed: number };
}

/**
 * Stores documents and cuts them into every registered chunking, in one transaction. An unchanged document touches
 * nothing; a changed one keeps the chunks whose text stays, and with them their vectors. Of two documents with one uri
 * the later counts.
 */
export async function storeDocuments(database: Database, inputs: readonly DocumentInput[]): Promise<StoredDocuments> {
  const documents = [...new Map(inputs.map((document) => [document.uri, document])).values()];
  const bodies = new Map(documents.map((document) => [document.uri, document.body]));
  return await database.transaction(async (transaction) => {
    const written = await writeDocuments(transaction, documents);
    const stored: StoredDocuments = {
      added: written.filter((row) => row.inserted).length,
      changed: written.filter((row) => !row.inserted).length,
      unchanged: documents.length - written.length,
      chunks: { added: 0, kept: 0, removed: 0 },
    };
    if (written.length === 0) return stored;
    for (const chunking of await transaction.select().from(chunkings)) {
      const cut = written.map(({ id, uri }) => ({ id, slices: chunkText(bodies.get(uri) ?? "", chunking) }));
      const counts = await replaceChunks(transaction, chunking, cut);
      stored.chunks.added += counts.added;
      stored.chunks.kept += counts.kept;
      stored.chunks.removed += counts.removed;
    }
    return stored;
  });
}

/** Writes new and changed documents, in the order of their uris so that two loaders cannot deadlock. */
async function writeDocuments(
  transaction: Queryable,
  documents: readonly DocumentInput[],
): Promise<{ id: number; uri: string; inserted: boolean }[]> {
  const column = (value: (document: DocumentInput) => string) => sql.param(documents.map(value));
  const { rows } = await transaction.execute<{ id: string; uri: string; inserted: boolean }>(sql`
    insert into reembed.documents (uri, title, language, body, metadata)
    select * from unnest(
      ${column((document) => document.uri)}::text[], ${column((document) => document.title)}::text[],
      ${column((document) => document.language)}::text[], ${column((document) => document.body)}::text[],
      ${column((document) => JSON.stringify(document.metadata))}::jsonb[]
    ) as input (uri, title, language, body, metadata)
    order by uri
    on conflict (uri) do update set title = excluded.title, language = excluded.language, body = excluded.body,
      metadata = excluded.metadata, updated_at = now()
    where (documents.title, documents.language, documents.body, documents.metadata)
      is distinct from (excluded.title, excluded.language, excluded.body, excluded.metadata)
    returning id, uri, xmax = 0 as inserted`);
  return rows.map((row) => ({ ...row, id: Number(row.id) }));
}

interface StoredChunk extends ChunkSlice {
  id: number;
  documentId: number;
}

async function replaceChunks(
  transaction: Queryable,
  chunking: typeof chunkings.$inferSelect,
  cut: readonly { id: number; slices: ChunkSlice[] }[],
): Promise<{ added: number; kept: number; removed: number }> {
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

/** The chunks of these documents, by document. Their documents' rows are locked: a second loader of one waits. */
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
