import type { Rollout } from "@reembed/core";
import { answerQuery, type QueryVectors } from "@reembed/retrieval";
import { answerWithin, type Metrics, tellTrace } from "@reembed/runtime";
import type { Database } from "@reembed/store/database";
import type { RegisteredProfile } from "@reembed/store/profiles";
import { toProblem } from "../http/problem.ts";
import type { EventLog } from "../log/event-log.ts";
import { chooseProfile } from "../routing/choose-profile.ts";
import type { CoverageGate } from "../routing/coverage-gate.ts";
import type { FollowedRollout } from "../routing/followed-rollout.ts";
import type { Shadows } from "../shadow/shadows.ts";
import { elapsedMs, listed, type SearchAnswer } from "./search-answer.ts";
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
  const { name, chunking } = profile;
  tellTrace({ profile: name, chunking, stage: routes.rollout.stage, traffic });
  try {
    if (traffic && isUnguarded(profile, routes.rollout)) await context.coverage.requireCovered(profile);
    const results = await answerWithin(context.answerMs, (signal) =>
      answerQuery(context.answering(profile.name), profile, request, { vectors: context.vectors, signal }),
    );
    const answer = { requestId, profile: profile.name, tookMs: elapsedMs(startedAt), results };
    tellTrace({ results: results.length });
    count(context, answer, results.length === 0 ? "empty" : "answered");
    if (traffic) {
      recordAnswer(request, answer, context);
      context.shadows.offer({ request, answer, routes });
    }
    return answer;
  } catch (error) {
    const { status, code } = toProblem(error);
    tellTrace({ problem: code });
    if (status < 500) throw error;
    const answer = { requestId, profile: profile.name, tookMs: elapsedMs(startedAt), results: [] };
    count(context, answer, "failed");
    if (traffic) recordAnswer(request, answer, context, code);
    throw error;
  }
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

/** An empty answer to a threshold or a filter of the client's own says nothing about the profile, and is not recorded. */
function recordAnswer(
  { query, threshold, filter }: SearchRequest,
  { results, ...answer }: SearchAnswer,
  { events, logQueries }: SearchContext,
  error: string | null = null,
): void {
  const asked = threshold !== undefined || filter !== undefined;
  if (asked && error === null && results.length === 0) return;
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
