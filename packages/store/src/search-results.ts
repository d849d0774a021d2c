import { type SQL, sql } from "drizzle-orm";
import type { Database } from "./database.ts";
import type { RegisteredProfile } from "./profiles.ts";

export interface SearchResult {
  chunkId: number;
  /** Null where an adopted chunk's document is not known; its `uri` and `title` are empty then. */
  documentId: number | null;
  uri: string;
  title: string;
  /** Where the chunk is in its document, `[start, end)` in code points. */
  start: number;
  end: number;
  content: string;
  /** Cosine similarity, 1 at most. */
  score: number;
}

/** What a result's document must be; one that is not known is nothing. */
export interface SearchFilter {
  language?: string | undefined;
  /** What its metadata must contain, as jsonb's `@>` has it. */
  metadata?: Record<string, unknown> | undefined;
}

export interface SearchOptions {
  /** Results at most. */
  limit: number;
  /** Least score of a result; without it every chunk is one, down to -1. */
  threshold?: number | undefined;
  filter?: SearchFilter | undefined;
}

/**
 * The chunks that `nearest` found, with their documents, from the threshold on. Of equal scores the older chunk comes
 * first.
 * @param nearest A query for `chunk_id` and `distance`.
 */
export async function readResults(
  database: Database,
  { relation }: Pick<RegisteredProfile, "relation">,
  nearest: SQL,
  threshold = -1,
): Promise<SearchResult[]> {
  const { rows } = await database.execute<
    { id: string; document_id: string | null } & Record<"uri" | "title" | "content", string> &
      Record<"start_offset" | "end_offset" | "distance", number>
  >(sql`
    select c.id, d.id as document_id, coalesce(d.uri, '') as uri, coalesce(d.title, '') as title,
      c.start_offset, c.end_offset, c.content, nearest.distance
    from (${nearest}) nearest
    join ${sql.raw(relation)} c on c.id = nearest.chunk_id
    left join reembed.documents d on d.id = c.document_id
    where nearest.distance <= ${1 - threshold}
    order by nearest.distance, c.id`);
  return rows.map((row) => ({
    chunkId: Number(row.id),
    documentId: row.document_id === null ? null : Number(row.document_id),
    uri: row.uri,
    title: row.title,
    start: row.start_offset,
    end: row.end_offset,
    content: row.content,
    score: 1 - row.distance,
  }));
}

/** Joins the documents of the vectors `e`, and what the filter asks of them; nothing at all without a filter. */
export function filtered(
  { relation }: Pick<RegisteredProfile, "relation">,
  { language, metadata }: SearchFilter = {},
): { join: SQL; condition: SQL } {
  if (language === undefined && metadata === undefined) return { join: sql``, condition: sql`` };
  return {
    join: sql`join ${sql.raw(relation)} fc on fc.id = e.chunk_id join reembed.documents fd on fd.id = fc.document_id`,
    condition: sql`${language === undefined ? sql`` : sql`and fd.language = ${language}`}
      ${metadata === undefined ? sql`` : sql`and fd.metadata @> ${JSON.stringify(metadata)}::jsonb`}`,
  };
}

/** pgvector's halfvec_recv: dimensions and a reserved word, 16 bits each, then half-precision numbers, all big-endian. */
export function encodeHalfvec(vector: Float32Array): Buffer {
  const halves = Buffer.from(new Float16Array(vector).buffer).swap16();
  const header = Buffer.alloc(4);
  header.writeUInt16BE(vector.length);
  return Buffer.concat([header, halves]);
}
