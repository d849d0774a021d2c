import { beforeFirstId } from "@reembed/core";
import { sql } from "drizzle-orm";
import type { Database } from "../database/database.ts";
import type { RegisteredProfile } from "../profiles/profiles.ts";

/** The lengths of the documents with these uris in code points, by uri. */
export async function readDocumentLengths(database: Database, uris: readonly string[]): Promise<Map<string, number>> {
  const { rows } = await database.execute<{ uri: string; length: number }>(sql`
    select uri, char_length(body) as length from reembed.documents where uri = any(${sql.param(uris)}::text[])`);
  return new Map(rows.map(({ uri, length }) => [uri, length]));
}

/** A chunk with its place in its document. */
export interface PlacedChunk {
  id: number;
  uri: string;
  language: string;
  /** `[start, end)` in code points. */
  start: number;
  end: number;
  content: string;
}

/** Chunks of a profile's chunking after this id, in the order of ids. */
export async function readPlacedChunks(
  database: Database,
  { relation }: Pick<RegisteredProfile, "relation">,
  { after = beforeFirstId, limit }: { after?: number | undefined; limit: number },
): Promise<PlacedChunk[]> {
  const { rows } = await database.execute<
    Record<"id" | "uri" | "language" | "content", string> & Record<"start_offset" | "end_offset", number>
  >(sql`
    select c.id, d.uri, d.language, c.start_offset, c.end_offset, c.content
    from ${sql.raw(relation)} c join reembed.documents d on d.id = c.document_id
    where c.id > ${after}::bigint order by c.id limit ${limit}`);
  return rows.map(({ id, uri, language, start_offset, end_offset, content }) => ({
    id: Number(id),
    uri,
    language,
    start: start_offset,
    end: end_offset,
    content,
  }));
}

/** A text that occurs in a document. */
export interface Quotation {
  documentId: number;
  text: string;
}

/** The documents of these chunks, by chunk. */
export async function readDocumentIds(
  database: Database,
  { relation }: Pick<RegisteredProfile, "relation">,
  chunkIds: readonly number[],
): Promise<Map<number, number>> {
  const { rows } = await database.execute<{ id: string; document_id: string }>(sql`
    select id, document_id from ${sql.raw(relation)} c where id = any(${sql.param(chunkIds)}::bigint[])`);
  return new Map(rows.map((row) => [Number(row.id), Number(row.document_id)]));
}

/** For each quotation, the chunks of its document that contain all of it, in the order of ids. */
export async function readHolders(
  database: Database,
  { relation }: Pick<RegisteredProfile, "relation">,
  quotations: readonly Quotation[],
): Promise<{ id: number; content: string }[][]> {
  const { rows } = await database.execute<{ index: string; id: string; content: string }>(sql`
    select quoted.index, c.id, c.content
    from unnest(
      ${sql.param(quotations.map(({ documentId }) => documentId))}::bigint[],
      ${sql.param(quotations.map(({ text }) => text))}::text[]
    ) with ordinality as quoted (document_id, text, index)
    join ${sql.raw(relation)} c on c.document_id = quoted.document_id and strpos(c.content, quoted.text) > 0
    order by c.id`);
  const holders = Map.groupBy(rows, ({ index }) => Number(index) - 1);
  return quotations.map((_, index) =>
    (holders.get(index) ?? []).map(({ id, content }) => ({ id: Number(id), content })),
  );
}
