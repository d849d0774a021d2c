import { sql } from "drizzle-orm";
import type { Database, Queryable } from "../database/database.ts";
import { type ChunkCounts, cutDocuments } from "./chunk-replacement.ts";

export interface DocumentInput {
  /** Identifies the document: storing it again updates it. */
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
  chunks: ChunkCounts;
}

/**
 * Stores documents and cuts them into every registered chunking, in one transaction. An unchanged document writes nothing. A
 * changed one keeps the chunks whose text stays, with their vectors. Of two documents with the same uri, the later one is
 * stored.
 */
export async function storeDocuments(database: Database, inputs: readonly DocumentInput[]): Promise<StoredDocuments> {
  const documents = [...new Map(inputs.map((document) => [document.uri, document])).values()];
  const bodies = new Map(documents.map((document) => [document.uri, document.body]));
  return await database.transaction(async (transaction) => {
    await keepFromRecutting(transaction);
    const written = await writeDocuments(transaction, documents);
    return {
      added: written.filter((row) => row.inserted).length,
      changed: written.filter((row) => !row.inserted).length,
      unchanged: documents.length - written.length,
      chunks: await cutDocuments(
        transaction,
        written.map(({ id, uri }) => ({ id, body: bodies.get(uri) ?? "" })),
      ),
    };
  });
}

/** Marks the transaction: documents that it writes are not recorded as document changes, because it cuts them itself. */
export async function keepFromRecutting(transaction: Queryable): Promise<void> {
  await transaction.execute(sql`select set_config('reembed.cutting', 'on', true)`);
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
