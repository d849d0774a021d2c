import type { Rollout } from "@reembed/core";
import { answerWithin, type Metrics } from "@reembed/runtime";
import {
  type Database,
  type RegisteredProfile,
  type SearchResult,
  searchProfile,
  withCancellation,
} from "@reembed/store";
import { toProblem } from "../http/problem.ts";
import type { EventLog } from "../log/event-log.ts";
import { chooseProfile } from "../routing/choose-profile.ts";
import type { CoverageGate } from "../routing/coverage-gate.ts";
import type { FollowedRollout } from "../routing/followed-rollout.ts";
import type { Shadows } from "../shadow/shadows.ts";
import type { QueryVectors } from "./query-vectors.ts";
import type { SearchRequest } from "./search-request.ts";

/** After this the client has gone anyway, and requests must not pile up behind a server that does not answer. */
export const answerWithinMs = 10_000;

export interface SearchContext {
  /** For everything but searches: feedback, and whether the server is there. */
  database: Database;
  /** The connections for a profile's answers, which no other profile can use. */
  answering: (profile: string) => Database;
  /** Time limit of an answer; after it the statement is cancelled. */
  answerMs: number;
  rollout: FollowedRollout;
  coverage: CoverageGate;
  vectors: QueryVectors;
  events: EventLog;
  shadows: Shadows;
  metrics: Metrics;
  logQueries: boolean;
}

/** The body of an answer. */
export interface SearchAnswer {
  requestId: string;
  profile: string;
  tookMs: number;
  results: SearchResult[];
}

/**
 * Answers one search with the profile that the rollout chooses for it. The event is recorded later; the answer does not
 * wait for that.
 * @throws Problem, or whatever a model or the database throws.
 */
export async function answerSearch(
  requestId: string,
  request: SearchRequest,
  context: SearchContext,
): Promise<SearchAnswer> {
  const startedAt = performance.now();
  const { routes } = context.rollout;
  const profile = chooseProfile(routes, request.subject ?? requestId, request.profile);
  const traffic = request.profile === undefined;
  try {
    if (traffic && isUnguarded(profile, routes.rollout)) await context.coverage.requireCovered(profile);
    const results = await answerWithin(context.answerMs, (signal) =>
      search(context.answering(profile.name), profile, request, { vectors: context.vectors, signal }),
    );
    const answer = { requestId, profile: profile.name, tookMs: since(startedAt), results };
    count(context, answer, results.length === 0 ? "empty" : "answered");
    if (traffic) {
      recordAnswer(request, answer, context);
      context.shadows.offer({ request, answer, routes });
    }
    return answer;
  } catch (error) {
    const { status, code } = toProblem(error);
    if (status < 500) throw error;
    const answer = { requestId, profile: profile.name, tookMs: since(startedAt), results: [] };
    count(context, answer, "failed");
    if (traffic) recordAnswer(request, answer, context, code);
    throw error;
  }
}

/**
 * The chunks of one profile that are nearest to the query, within the profile's settings or those of the request.
 * @param signal Cancels the statement on the server.
 */
export async function search(
  database: Database,
  profile: RegisteredProfile,
  { query, limit = profile.limit, threshold = profile.threshold, filter }: SearchRequest,
  { vectors, signal }: { vectors: QueryVectors; signal: AbortSignal },
): Promise<SearchResult[]> {
  const vector = await vectors.of(profile, query);
  return await withCancellation(database, signal, (session) =>
    searchProfile(session, profile, vector, { limit, threshold, filter }),
  );
}

/**
 * Whether the profile's coverage must be checked here. For the candidate the rollout's safety check has done it, or an
 * operator has overruled that check.
 */
function isUnguarded({ name }: RegisteredProfile, { baseline }: Rollout): boolean {
  return name === baseline;
}

function count({ metrics }: SearchContext, { profile, tookMs }: SearchAnswer, outcome: string): void {
  metrics.searches.inc({ profile, outcome });
  if (outcome !== "failed") metrics.searchSeconds.observe({ profile, role: "answer" }, tookMs / 1_000);
}

function recordAnswer(
  { query }: SearchRequest,
  { results, ...answer }: SearchAnswer,
  { events, logQueries }: SearchContext,
  error: string | null = null,
): void {
  events.add({
    ...answer,
    ...listed(results),
    shadowOf: null,
    query: logQueries ? query : null,
    error,
    overlap10: null,
    rankCorrelation: null,
  });
}

/** The part of the results that an event keeps. */
export function listed(results: readonly SearchResult[]): { chunkIds: number[]; scores: number[] } {
  return { chunkIds: results.map(({ chunkId }) => chunkId), scores: results.map(({ score }) => score) };
}

/** Elapsed milliseconds, rounded to a hundredth. */
export function since(startedAt: number): number {
  return Math.round(100 * (performance.now() - startedAt)) / 100;
}
