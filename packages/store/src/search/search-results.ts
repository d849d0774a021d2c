import { type SQL, sql } from "drizzle-orm";
import type { Database } from "../database/database.ts";
import type { RegisteredProfile } from "../profiles/profiles.ts";

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

/** Whether a filter asks for anything. */
export function isFiltering({ language, metadata }: SearchFilter = {}): boolean {
  return language !== undefined || metadata !== undefined;
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

/** Results, and how many candidates were found at any score. */
export interface FoundResults {
  results: SearchResult[];
  nearest: number;
}

/**
 * The best of the chunks that `nearest` found, `limit` at most, with their documents, from the threshold on. Of equal
 * scores the older chunk comes first.
 * @param nearest A query for `chunk_id` and `distance`.
 */
export async function readResults(
  database: Database,
  { relation }: Pick<RegisteredProfile, "relation">,
  nearest: SQL,
  { limit, threshold = -1 }: Pick<SearchOptions, "limit" | "threshold">,
): Promise<FoundResults> {
  const { rows } = await database.execute<ResultRow & { nearest: number }>(sql`
    with nearest as materialized (${nearest})
    select counted.nearest, c.id, d.id as document_id, coalesce(d.uri, '') as uri, coalesce(d.title, '') as title,
      c.start_offset, c.end_offset, c.content, best.distance
    from (select count(*)::int as nearest from nearest) counted
    left join (
      (select * from nearest order by distance, chunk_id limit ${limit}) best
      join ${sql.raw(relation)} c on c.id = best.chunk_id left join reembed.documents d on d.id = c.document_id
    ) on best.distance <= ${1 - threshold}
    order by best.distance, c.id`);
  const results = rows.flatMap(toResult);
  return { results, nearest: rows[0]?.nearest ?? 0 };
}

type ResultRow = { id: string | null; document_id: string | null } & Record<"uri" | "title" | "content", string> &
  Record<"start_offset" | "end_offset" | "distance", number>;

/** None of the row that only counts. */
function toResult(row: ResultRow): SearchResult[] {
  if (row.id === null) return [];
  const result = {
    chunkId: Number(row.id),
    documentId: row.document_id === null ? null : Number(row.document_id),
    uri: row.uri,
    title: row.title,
    start: row.start_offset,
    end: row.end_offset,
    content: row.content,
    score: 1 - row.distance,
  };
  return [result];
}

/**
 * Joins the chunks and documents of the vectors `e`, and what the filter asks of them; without a filter, the chunks
 * alone. A vector outlives its chunk for a moment, and must take no result's place then.
 */
export function filtered(
  { relation }: Pick<RegisteredProfile, "relation">,
  filter: SearchFilter = {},
): { join: SQL; condition: SQL } {
  const { language, metadata } = filter;
  const chunks = sql`join ${sql.raw(relation)} fc on fc.id = e.chunk_id`;
  if (!isFiltering(filter)) {
    return { join: chunks, condition: sql`` };
  }
  return {
    join: sql`${chunks} join reembed.documents fd on fd.id = fc.document_id`,
    condition: sql`${language === undefined ? sql`` : sql`and fd.language = ${language}`}
      ${metadata === undefined ? sql`` : sql`and fd.metadata @> ${JSON.stringify(metadata)}::jsonb`}`,
  };
}
