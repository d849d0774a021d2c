import { sql } from "drizzle-orm";
import type { Database } from "../database/database.ts";
import { type FeedbackKind, searchEvents } from "../schema/searches.ts";

/** One search, or a shadow's answer to it. */
export interface SearchEvent {
  requestId: string;
  profile: string;
  /** The profile that answered, if this is a shadow's answer. */
  shadowOf: string | null;
  /** Null if queries are not logged. */
  query: string | null;
  tookMs: number;
  /** Chunks and scores of the results, the best first. */
  chunkIds: readonly number[];
  scores: readonly number[];
  /** An error code, if the search failed. */
  error: string | null;
  /** Agreement of a shadow's answer with the one that was seen. */
  overlap10: number | null;
  rankCorrelation: number | null;
  /** Elapsed time since the search. */
  ageMs: number;
}

/** Stores a batch of searches. Their time is the database's minus their age, because clocks of processes differ. */
export async function recordSearches(database: Database, events: readonly SearchEvent[]): Promise<void> {
  if (events.length === 0) return;
  await database.insert(searchEvents).values(
    events.map(({ ageMs, chunkIds, scores, query, ...event }) => ({
      ...event,
      // PostgreSQL's text cannot store U+0000.
      query: query?.replaceAll("\0", "") ?? null,
      chunkIds: [...chunkIds],
      scores: [...scores],
      results: chunkIds.length,
      searchedAt: sql`clock_timestamp() - ${ageMs} * interval '1 millisecond'`,
    })),
  );
}

/** Number of searches of one profile that another one has answered unseen, without an error. */
export async function countShadowed(
  database: Database,
  { baseline, candidate }: { baseline: string; candidate: string },
): Promise<number> {
  const { rows } = await database.execute<{ shadowed: string }>(sql`
    select count(*) as shadowed from reembed.search_events
    where profile = ${candidate} and shadow_of = ${baseline} and error is null`);
  return Number(rows[0]?.shadowed);
}

export interface SearchFeedback {
  requestId: string;
  chunkId: number;
  kind: FeedbackKind;
}

/**
 * Stores what was thought of a result that was seen. Returns false, and stores nothing, if no search is stored that has this
 * result under this id: guardrails count feedback, and anybody who may search can send it.
 */
export async function recordFeedback(
  database: Database,
  { requestId, chunkId, kind }: SearchFeedback,
): Promise<boolean> {
  const { rowCount } = await database.execute(sql`
    insert into reembed.search_feedback (request_id, chunk_id, kind)
    select ${requestId}::uuid, ${chunkId}::bigint, ${kind}
    where exists (
      select from reembed.search_events
      where request_id = ${requestId}::uuid and shadow_of is null and ${chunkId}::bigint = any(chunk_ids))`);
  return rowCount === 1;
}
