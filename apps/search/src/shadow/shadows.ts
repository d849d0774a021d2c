import { type Context, context } from "@opentelemetry/api";
import { endsWithin, messageOf } from "@reembed/core";
import { answerQuery, type QueryVectors } from "@reembed/retrieval";
import { agreementOf } from "@reembed/retrieval/measures";
import { answerWithin, type Logger, type Metrics, tellTrace, traced } from "@reembed/runtime";
import type { Database } from "@reembed/store/database";
import type { RegisteredProfile } from "@reembed/store/profiles";
import type { SearchResult } from "@reembed/store/search";
import { elapsedMs, listed, type SearchAnswer } from "../answer/search-answer.ts";
import type { SearchRequest } from "../answer/search-request.ts";
import { toProblem } from "../http/problem.ts";
import type { EventLog } from "../log/event-log.ts";
import type { CoverageGate } from "../routing/coverage-gate.ts";
import type { Routes } from "../routing/followed-rollout.ts";

const atOnce = 2;
const waitingAtMost = 50;
const searchMs = 10_000;
/** How long the end waits for running shadows: nobody needs their answers. */
const lastSearchMs = 1_000;

export interface ShadowsOptions {
  /** Has connections of its own: a shadow must not take one that an answer needs. */
  database: Database;
  coverage: CoverageGate;
  vectors: QueryVectors;
  events: EventLog;
  metrics: Metrics;
  log: Logger;
}

/** A search that the baseline has answered. */
export interface Answered {
  request: SearchRequest;
  answer: SearchAnswer;
  routes: Routes;
}

/**
 * Has the candidate answer a share of the baseline's requests too, unseen, and records how well the two agree. Two run at
 * a time and a limited number waits. Further ones are dropped and counted, because measuring must not slow down answers.
 */
export class Shadows implements AsyncDisposable {
  readonly #options: ShadowsOptions;
  readonly #running = new Set<Promise<void>>();
  #waiting: { answered: Answered; trace: Context }[] = [];

  constructor(options: ShadowsOptions) {
    this.#options = options;
  }

  /** Returns immediately and never throws. */
  offer(answered: Answered): void {
    const { baseline, shadowPercent } = answered.routes.rollout;
    if (answered.answer.profile !== baseline || Math.random() * 100 >= shadowPercent) return;
    if (this.#waiting.length >= waitingAtMost) {
      this.#options.metrics.shadowSearches.inc({ outcome: "dropped" });
      return;
    }
    this.#waiting.push({ answered, trace: context.active() });
    // The answer is sent first.
    setImmediate(() => this.#startNext());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#options.metrics.shadowSearches.inc({ outcome: "dropped" }, this.#waiting.length);
    this.#waiting = [];
    await endsWithin(lastSearchMs, Promise.all(this.#running));
  }

  #startNext(): void {
    if (this.#running.size >= atOnce) return;
    const next = this.#waiting.shift();
    if (next === undefined) return;
    // In the trace of its own search, and not of the one whose end has made room for it.
    const run = context
      .with(next.trace, () => this.#run(next.answered))
      .finally(() => {
        this.#running.delete(run);
        this.#startNext();
      });
    this.#running.add(run);
  }

  async #run({ request, answer, routes }: Answered): Promise<void> {
    const { metrics, log, coverage } = this.#options;
    const candidate = routes.profiles.get(routes.rollout.candidate);
    try {
      if (candidate === undefined || !(await coverage.isCovered(candidate))) {
        metrics.shadowSearches.inc({ outcome: "uncovered" });
        return;
      }
      await traced("shadow", { profile: candidate.name, chunking: candidate.chunking }, () =>
        this.#compare(request, answer, candidate),
      );
    } catch (error) {
      metrics.shadowSearches.inc({ outcome: "failed" });
      log.warn({ error: messageOf(error) }, "shadow search failed");
    }
  }

  async #compare(request: SearchRequest, answer: SearchAnswer, candidate: RegisteredProfile): Promise<void> {
    const { database, vectors, events, metrics } = this.#options;
    const event = { requestId: answer.requestId, profile: candidate.name, shadowOf: answer.profile, query: null };
    const startedAt = performance.now();
    try {
      const results = await answerWithin(searchMs, (signal) =>
        answerQuery(database, candidate, request, { vectors, signal }),
      );
      const tookMs = elapsedMs(startedAt);
      const { overlap, rankCorrelation } = agreementOf(documentsOf(answer.results), documentsOf(results));
      tellTrace({ results: results.length, overlap });
      events.add({ ...event, ...listed(results), tookMs, error: null, overlap10: overlap, rankCorrelation });
      metrics.shadowSearches.inc({ outcome: "compared" });
      metrics.shadowOverlap.observe(overlap);
      if (rankCorrelation !== null) metrics.shadowRankCorrelation.observe(rankCorrelation);
      metrics.searchSeconds.observe({ profile: candidate.name, role: "shadow" }, tookMs / 1_000);
    } catch (error) {
      const failed = { ...listed([]), tookMs: elapsedMs(startedAt), error: toProblem(error).code };
      events.add({ ...event, ...failed, overlap10: null, rankCorrelation: null });
      throw error;
    }
  }
}

/** The document of each result; a chunk without a known document counts as a document of its own. */
function documentsOf(results: readonly SearchResult[]): string[] {
  return results.map(({ documentId, chunkId }) => `${documentId ?? `chunk ${chunkId}`}`);
}
