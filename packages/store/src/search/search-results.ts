import { type SQL, sql } from "drizzle-orm";
import type { Database } from "../database/database.ts";
import type { RegisteredProfile } from "../profiles/profiles.ts";

export interface SearchResult {
  chunkId: number;
  /** Null if the document of an adopted chunk is unknown; its `uri` and `title` are empty then. */
  documentId: number | null;
  uri: string;
  title: string;
  /** The chunk's place in its document, `[start, end)` in code points. */
  start: number;
  end: number;
  content: string;
  /** Cosine similarity, at most 1. */
  score: number;
}

/** Whether the filter has a condition. */
export function isFiltering({ language, metadata }: SearchFilter = {}): boolean {
  return language !== undefined || metadata !== undefined;
}

/** Conditions on a result's document; an unknown document never matches. */
export interface SearchFilter {
  language?: string | undefined;
  /** What its metadata must contain, by jsonb's `@>`. */
  metadata?: Record<string, unknown> | undefined;
}

export interface SearchOptions {
  /** Maximum number of results. */
  limit: number;
  /** Minimum score of a result; without it every chunk is a result, down to -1. */
  threshold?: number | undefined;
  filter?: SearchFilter | undefined;
}

/** Results, and the number of candidates that were found with any score. */
export interface FoundResults {
  results: SearchResult[];
  nearest: number;
}

/**
 * The best of the chunks that `nearest` found, at most `limit`, with their documents, from the threshold on. Of equal
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

/** Empty for the row that only counts. */
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
 * Joins the chunks and documents of the vectors `e` and applies the filter; without a filter, only the chunks. A vector may
 * outlive its chunk for a moment, and must not take the place of a result then.
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
