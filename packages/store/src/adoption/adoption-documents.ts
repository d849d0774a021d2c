import { assembleText, placeChunks, type Span } from "@reembed/core";
import { type SQL, sql } from "drizzle-orm";
import { keepFromRecutting } from "../corpus/documents.ts";
import { encodeInt4Array, encodeInt8Array } from "../database/binary-values.ts";
import type { Database, Queryable } from "../database/database.ts";
import type { AdoptedSource } from "../schema/corpus.ts";
import { adoptedDocuments } from "./adopted-relation.ts";
import { type Adoption, keyOf, ofDocuments, requirePresent } from "./adoption.ts";

/** A document that was assembled from chunks which do not continue one another. */
export interface MisfitDocument {
  uri: string;
  /** The number of places at which a line feed was inserted between chunks. */
  seams: number;
}

/** The result of refreshing an adopted corpus' documents. */
export interface RefreshedDocuments {
  documents: { id: number; body: string }[];
  removed: number;
  misfits: MisfitDocument[];
  /** Chunks whose text is not in their document's body, so that their places are unknown. */
  unplacedChunks: number;
}

/**
 * Creates a row for each document of an adopted corpus that has none yet, without its body, which is stored when it is cut.
 * Returns the number of created documents.
 */
export async function createDocuments(database: Database, adoption: Adoption): Promise<number> {
  requirePresent(adoption);
  return await database.transaction(async (transaction) => {
    await keepFromRecutting(transaction);
    const { rowCount } = await transaction.execute(
      insertDocuments(sql`select i.*, '' as body from (${describedByChunks(adoption)}) i`, sql`do nothing`),
    );
    return rowCount ?? 0;
  });
}

/**
 * Selects `key, uri, title, language, metadata` of every document: those of its table, where a document may have no chunk,
 * or those of its first chunk.
 */
function describedByChunks({ relation, source }: Adoption): SQL {
  const chunks = sql.raw(relation);
  if (source.documents !== undefined) {
    const documents = sql.raw(adoptedDocuments(source.documents));
    return sql`select key, d.uri, d.title, d.language, null::jsonb as metadata from (
        select ${keyOf("c")} as key from ${chunks} c union select ${keyOf("d")} from ${documents} d
      ) k left join ${documents} d on ${keyOf("d")} = key`;
  }
  const { title, language, metadata } = source;
  if (title === undefined && language === undefined && metadata === undefined) {
    return sql`select distinct ${keyOf("c")} as key, null::text as uri, null::text as title, null::text as language,
      null::jsonb as metadata from ${chunks} c`;
  }
  return sql`select distinct on (1) ${keyOf("c")} as key, null::text as uri, ${description(source)} from ${chunks} c
    order by 1, c.position, c.id`;
}

/** Of a row `c`, its `title, language, metadata`; null where the source has none. */
function description({ title, language, metadata }: AdoptedSource): SQL {
  return sql.join(
    [
      sql.raw(title === undefined ? "null::text as title" : "c.source_title::text as title"),
      sql.raw(language === undefined ? "null::text as language" : "c.source_language::text as language"),
      sql.raw(metadata === undefined ? "null::jsonb as metadata" : "c.source_metadata::jsonb as metadata"),
    ],
    sql`, `,
  );
}

/**
 * Updates documents from the application's tables: their body, from its column or assembled from their chunks, and the
 * places of their chunks in it. Documents that no longer exist there are deleted, with everything that was cut from them.
 *
 * The application's tables are read before anything is written, so that nobody waits for us while we wait for them. Only
 * one transaction at a time may call this.
 */
export async function refreshDocuments(
  transaction: Queryable,
  adoption: Adoption,
  keys: readonly string[],
): Promise<RefreshedDocuments> {
  requirePresent(adoption);
  // A policy that hides rows is an error then: they would seem to be deleted, and their documents would be.
  await transaction.execute(sql`set local row_security = off`);
  const chunks = Map.groupBy(await readSourceChunks(transaction, adoption, keys), (chunk) => chunk.key);
  const described = await readSourceDocuments(transaction, adoption, keys);
  if (adoption.source.documents === undefined) {
    for (const [key, [{ title, language, metadata } = {}]] of chunks) described.set(key, { title, language, metadata });
  }
  const present = keys.filter((key) => chunks.has(key) || described.has(key));
  const texts = present.map((key) => {
    const { body, ...description } = described.get(key) ?? {};
    const contents = (chunks.get(key) ?? []).map((chunk) => chunk.content);
    const text =
      typeof body === "string"
        ? { body, places: placeChunks(body, contents), misfits: [] }
        : assembleText(contents, adoption.overlap);
    return { key, ...description, ...text };
  });

  const removed = await removeDocuments(
    transaction,
    keys.filter((key) => !chunks.has(key) && !described.has(key)),
  );
  const stored = await writeDocuments(transaction, texts);
  const placed = texts.flatMap(({ key, places }) =>
    places.flatMap((place, index) => {
      const [chunkId, documentId] = [chunks.get(key)?.[index]?.id, stored.get(key)?.id];
      return place === undefined || chunkId === undefined || documentId === undefined
        ? []
        : [{ ...place, chunkId, documentId }];
    }),
  );
  await replaceOffsets(
    transaction,
    adoption,
    [...stored.values()].map(({ id }) => id),
    placed,
  );
  return {
    documents: texts.flatMap(({ key, body }) => {
      const id = stored.get(key)?.id;
      return id === undefined ? [] : [{ id, body }];
    }),
    removed,
    misfits: texts.flatMap(({ key, misfits }) =>
      misfits.length === 0 ? [] : [{ uri: stored.get(key)?.uri ?? key, seams: misfits.length }],
    ),
    unplacedChunks: texts.flatMap(({ places }) => places).filter((place) => place === undefined).length,
  };
}

interface SourceChunk extends SourceDocument {
  key: string;
  id: number;
  content: string;
}

async function readSourceChunks(
  transaction: Queryable,
  adoption: Adoption,
  keys: readonly string[],
): Promise<SourceChunk[]> {
  const { rows } = await transaction.execute<
    SourceDocument & { key: string; id: string | number; content: string }
  >(sql`
    select ${keyOf("c")} as key, c.id, c.content, ${description(adoption.source)} from ${sql.raw(adoption.relation)} c
    where ${ofDocuments(keys, adoption, "c")}
    order by c.position, c.id`);
  return rows.map((row) => ({ ...row, id: Number(row.id) }));
}

type SourceDocument = {
  uri?: string | null;
  title?: string | null;
  language?: string | null;
  body?: string | null;
  metadata?: Record<string, unknown> | null;
};

async function readSourceDocuments(
  transaction: Queryable,
  adoption: Adoption,
  keys: readonly string[],
): Promise<Map<string, SourceDocument>> {
  const { documents } = adoption.source;
  if (documents === undefined) return new Map();
  const { rows } = await transaction.execute<SourceDocument & { key: string }>(sql`
    select ${keyOf("d")} as key, d.uri, d.title, d.language, d.body
    from ${sql.raw(adoptedDocuments(documents))} d
    where ${ofDocuments(keys, adoption, "d")}`);
  return new Map(rows.map(({ key, ...document }) => [key, document]));
}

async function removeDocuments(transaction: Queryable, keys: readonly string[]): Promise<number> {
  const { rowCount } = await transaction.execute(
    sql`delete from reembed.documents where source_key = any(${sql.param(keys)}::text[])`,
  );
  return rowCount ?? 0;
}

async function writeDocuments(
  transaction: Queryable,
  texts: readonly (SourceDocument & { key: string; body: string })[],
): Promise<Map<string, { id: number; uri: string }>> {
  const column = (value: (text: (typeof texts)[number]) => string | null | undefined) =>
    sql.param(texts.map((text) => value(text) ?? null));
  const input = sql`
    select * from unnest(
      ${column((text) => text.key)}::text[], ${column((text) => text.uri)}::text[], ${column((text) => text.title)}::text[],
      ${column((text) => text.language)}::text[],
      ${column(({ metadata }) => (metadata == null ? null : JSON.stringify(metadata)))}::jsonb[],
      ${column((text) => text.body)}::text[]
    ) as input (key, uri, title, language, metadata, body)`;
  await transaction.execute(
    insertDocuments(
      input,
      sql`do update set uri = excluded.uri, title = excluded.title, language = excluded.language,
        metadata = excluded.metadata, body = excluded.body, updated_at = now()
      where (documents.uri, documents.title, documents.language, documents.metadata, documents.body)
        is distinct from (excluded.uri, excluded.title, excluded.language, excluded.metadata, excluded.body)`,
    ),
  );
  const { rows } = await transaction.execute<{ id: string; key: string; uri: string }>(sql`
    select id, source_key as key, uri from reembed.documents
    where source_key = any(${column((text) => text.key)}::text[])`);
  return new Map(rows.map(({ key, id, uri }) => [key, { id: Number(id), uri }]));
}

/**
 * Inserts adopted documents. If the application has no uri, the document's key is the uri, and it also makes a uri unique
 * that two documents share. `und` is BCP 47 for an unknown language.
 * @param input Rows of `key, uri, title, language, metadata, body`.
 * @param conflict What to do with a document that exists.
 */
function insertDocuments(input: SQL, conflict: SQL): SQL {
  return sql`
    insert into reembed.documents (source_key, uri, title, language, metadata, body)
    select key, case when taken then address || '#' || key else address end,
      coalesce(nullif(title, ''), address), coalesce(nullif(language, ''), 'und'), coalesce(metadata, '{}'), body
    from (
      select i.*, row_number() over (partition by address order by key) > 1 or exists (
        select from reembed.documents o where o.uri = address and o.source_key is distinct from key) as taken
      from (select r.*, coalesce(nullif(r.uri, ''), r.key) as address from (${input}) r) i
    ) i
    order by key
    on conflict (source_key) ${conflict}`;
}

/** Only this function writes offsets: if an application's statement did, it could wait for its locks for ever. */
async function replaceOffsets(
  transaction: Queryable,
  { chunking }: Adoption,
  documentIds: readonly number[],
  placed: readonly (Span & { chunkId: number; documentId: number })[],
): Promise<void> {
  const column = (value: (chunk: (typeof placed)[number]) => number) => placed.map(value);
  await transaction.execute(sql`
    delete from reembed.chunk_offsets
    where document_id = any(${sql.param(documentIds)}::bigint[])
      or chunking = ${chunking} and chunk_id = any(${encodeInt8Array(column((chunk) => chunk.chunkId))}::bigint[])`);
  await transaction.execute(sql`
    insert into reembed.chunk_offsets (chunking, chunk_id, document_id, start_offset, end_offset)
    select ${chunking}, * from unnest(
      ${encodeInt8Array(column((chunk) => chunk.chunkId))}::bigint[],
      ${encodeInt8Array(column((chunk) => chunk.documentId))}::bigint[],
      ${encodeInt4Array(column((chunk) => chunk.start))}::int[], ${encodeInt4Array(column((chunk) => chunk.end))}::int[]
    )`);
}
