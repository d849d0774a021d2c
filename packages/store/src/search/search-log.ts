import { sql } from "drizzle-orm";
import type { Database } from "../database/database.ts";
import { type FeedbackKind, searchEvents, searchFeedback } from "../schema/searches.ts";

/** One search, or a shadow's answer to it. */
export interface SearchEvent {
  requestId: string;
  profile: string;
  /** The profile that answered, where this answer was a shadow's. */
  shadowOf: string | null;
  /** Null where queries are not logged. */
  query: string | null;
  tookMs: number;
  /** Of the results, the best first, and their scores. */
  chunkIds: readonly number[];
  scores: readonly number[];
  /** A code, where the search failed. */
  error: string | null;
  /** Of a shadow's answer against the one that was seen. */
  overlap10: number | null;
  rankCorrelation: number | null;
  /** How long ago it was. */
  ageMs: number;
}

/** Stores a batch of searches. Their time is the database's own less their age: clocks of processes differ. */
export async function recordSearches(database: Database, events: readonly SearchEvent[]): Promise<void> {
  if (events.length === 0) return;
  await database.insert(searchEvents).values(
    events.map(({ ageMs, chunkIds, scores, query, ...event }) => ({
      ...event,
      // PostgreSQL's text holds every character but this one.
      query: query?.replaceAll("\0", "") ?? null,
      chunkIds: [...chunkIds],
      scores: [...scores],
      results: chunkIds.length,
      searchedAt: sql`clock_timestamp() - ${ageMs} * interval '1 millisecond'`,
    })),
  );
}

/** How many searches of one profile another has answered unseen, without a failure. */
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

/** The search itself may not be stored yet, and may never be: what was thought of it is kept in any case. */
export async function recordFeedback(database: Database, feedback: SearchFeedback): Promise<void> {
  await database.insert(searchFeedback).values(feedback);
}
