import { type SQL, sql } from "drizzle-orm";
import type { Database } from "../database/database.ts";
import type { RegisteredProfile } from "../profiles/profiles.ts";

export interface SearchResult {
  chunkId: number;
  /** The key of the application's row, as text; several texts for several columns. Null for a chunk that we have cut. */
  sourceId: string | string[] | null;
  /** Null if the document of an adopted chunk is unknown; its `uri` and `title` are empty then. */
  documentId: number | null;
  uri: string;
  title: string;
  /** Those of the application's row, or else of the document. */
  metadata: Record<string, unknown>;
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

/** Conditions on the application's row where that has a language or metadata, and on a result's document otherwise. */
export interface SearchFilter {
  language?: string | undefined;
  /** What the metadata must contain, by jsonb's `@>`. */
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
 *
 * An index returns rows roughly in the order of their distances, but PostgreSQL trusts that order, and from version 17 on it
 * also knows the order of a materialized query. It would take the first rows of the index for the nearest: `distance + 0`
 * makes it sort them.
 * @param nearest A query for `chunk_id` and `distance`.
 */
export async function readResults(
  database: Database,
  profile: SearchedChunks,
  nearest: SQL,
  { limit, threshold = -1 }: Pick<SearchOptions, "limit" | "threshold">,
): Promise<FoundResults> {
  const { rows } = await database.execute<ResultRow & { nearest: number }>(sql`
    with nearest as materialized (${nearest})
    select counted.nearest, c.id, d.id as document_id, coalesce(d.uri, '') as uri, coalesce(d.title, '') as title,
      ${sourceId(profile)} as source_id, ${metadataOf(profile, { chunk: "c", document: "d" })} as metadata, c.start_offset, c.end_offset, c.content, best.distance
    from (select count(*)::int as nearest from nearest) counted
    left join (
      (select * from nearest order by distance + 0, chunk_id limit ${limit}) best
      join ${sql.raw(profile.relation)} c on c.id = best.chunk_id left join reembed.documents d on d.id = c.document_id
    ) on best.distance <= ${1 - threshold}
    order by best.distance, c.id`);
  const results = rows.flatMap(toResult);
  return { results, nearest: rows[0]?.nearest ?? 0 };
}

/** What SQL about a profile's chunks is made from. */
type SearchedChunks = Pick<RegisteredProfile, "relation" | "chunking" | "source">;

/** The key of the application's row of chunk `c`, as JSON. */
function sourceId({ source, chunking }: SearchedChunks): SQL {
  if (source === null) return sql`null::jsonb`;
  if (!source.numbered) return sql`to_jsonb(c.id::text)`;
  const key = sql.raw(source.id.length === 1 ? "k.key" : "k.key::text[]");
  return sql`(select to_jsonb(${key}) from reembed.chunk_keys k where k.chunking = ${chunking} and k.id = c.id)`;
}

/** A table that was adopted with its own metadata has those of each row. */
function metadataOf({ source }: SearchedChunks, { chunk, document }: { chunk: string; document: string }): SQL {
  return sql.raw(source?.metadata === undefined ? `${document}.metadata` : `${chunk}.source_metadata::jsonb`);
}

function languageOf({ source }: SearchedChunks, { chunk, document }: { chunk: string; document: string }): SQL {
  return sql.raw(source?.language === undefined ? `${document}.language` : `${chunk}.source_language::text`);
}

type ResultRow = {
  id: string | null;
  document_id: string | null;
  source_id: SearchResult["sourceId"];
  metadata: unknown;
} & Record<"uri" | "title" | "content", string> &
  Record<"start_offset" | "end_offset" | "distance", number>;

/** Empty for the row that only counts. */
function toResult(row: ResultRow): SearchResult[] {
  if (row.id === null) return [];
  const result = {
    chunkId: Number(row.id),
    sourceId: row.source_id,
    documentId: row.document_id === null ? null : Number(row.document_id),
    uri: row.uri,
    title: row.title,
    metadata: isObject(row.metadata) ? row.metadata : {},
    start: row.start_offset,
    end: row.end_offset,
    content: row.content,
    score: 1 - row.distance,
  };
  return [result];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Joins the chunks of the vectors `e`, and their documents if the filter is about them, and applies the filter. A vector may
 * outlive its chunk for a moment, and must not take the place of a result then.
 */
export function filtered(profile: SearchedChunks, filter: SearchFilter = {}): { join: SQL; condition: SQL } {
  const { language, metadata } = filter;
  const chunks = sql`join ${sql.raw(profile.relation)} fc on fc.id = e.chunk_id`;
  if (!isFiltering(filter)) {
    return { join: chunks, condition: sql`` };
  }
  const names = { chunk: "fc", document: "fd" };
  return {
    join: sql`${chunks} left join reembed.documents fd on fd.id = fc.document_id`,
    condition: sql`${language === undefined ? sql`` : sql`and ${languageOf(profile, names)} = ${language}`}
      ${metadata === undefined ? sql`` : sql`and ${metadataOf(profile, names)} @> ${JSON.stringify(metadata)}::jsonb`}`,
  };
}
