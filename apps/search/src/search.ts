import { once } from "node:events";
import type { Server } from "node:http";
import { type AddressInfo, isIPv6 } from "node:net";
import { type GuardrailSettings, messageOf, ReembedError } from "@reembed/core";
import { type Embedder, embedOne } from "@reembed/embedder";
import {
  belowBasePath,
  createHttpServer,
  type Logger,
  type Metrics,
  type OperationsOptions,
  rememberFor,
  sendStatus,
} from "@reembed/runtime";
import { type Database, type OpenDatabaseOptions, openDatabase, pingDatabase } from "@reembed/store";
import type { Request, Response } from "express";
import { answerWithinMs } from "./answer/answer-search.ts";
import { QueryVectors } from "./answer/query-vectors.ts";
import { createApp } from "./app.ts";
import { startGuardrails } from "./guardrails/guardrails.ts";
import { resolveSearchHost } from "./http/guards.ts";
import { EventLog } from "./log/event-log.ts";
import { CoverageGate } from "./routing/coverage-gate.ts";
import { FollowedRollout, type Routes } from "./routing/followed-rollout.ts";
import { Shadows } from "./shadow/shadows.ts";

/** For what is in hand at the end. A search that waits for its database longer than this is cut off. */
const drainMs = 8_000;
/** A run of both models, which answers wait for: whoever asks for readiness, and however often, gets the last one's. */
const modelTestMs = 10_000;
/** As many as run at a time. */
const shadowConnections = 2;
/** The baseline and the candidate. */
const profilesAtOnce = 2;

export interface SearchAppOptions {
  /** As many connections as it has are shared out among the profiles that answer, half of them each. */
  database: Database;
  /** Of the profiles that may answer, by the id of their model. The caller closes them. */
  embedders: ReadonlyMap<string, Embedder>;
  guardrails: GuardrailSettings;
  metrics: Metrics;
  log: Logger;
  /** An address or a name; loopback unless told otherwise. */
  host?: string;
  /** 0 takes a free one. */
  port: number;
  /** Without one, only loopback is listened on. */
  apiKey?: string | undefined;
  /** Requests of one address a minute; 0, as without it, is no limit. */
  rateLimit?: number;
  /** How long an answer may take, in milliseconds; ten seconds unless told otherwise. */
  answerMs?: number;
  /** Between this process and its clients: how many, or which addresses or subnets. */
  trustedProxies?: number | readonly string[] | undefined;
  /** Path below which people reach it, as `/search`, where it shares a site with others; empty for none. */
  basePath?: string;
  /** Whether the texts of queries are stored with what was found. */
  logQueries?: boolean;
}

export interface SearchApp extends AsyncDisposable {
  url: string;
  /** What must work for this process to be ready. */
  checks: OperationsOptions["checks"];
}

/**
 * Serves `POST /v1/search` and a page at `/` that shows both profiles' answers, follows the rollout, and watches its
 * guardrails. Disposing of it answers what is in hand and writes down what was searched.
 * @throws ReembedError `search_unprotected`, `port_taken`, or `rollout_missing` when `reembed init` has not run.
 */
export async function startSearch(options: SearchAppOptions): Promise<SearchApp> {
  const { database, embedders, metrics, log, host = "127.0.0.1", apiKey, rateLimit = 0, logQueries = false } = options;
  const { trustedProxies, answerMs = answerWithinMs, basePath = "" } = options;
  const { address, onLoopback } = await resolveSearchHost(host, apiKey);

  await using scope = new AsyncDisposableStack();
  // None of these can take a connection that another needs: a candidate whose searches hang holds up neither the
  // baseline's answers nor the guardrail that gives everybody back to it.
  const pools = scope.use(new AsyncDisposableStack());
  const beside = (purpose: Purpose, maxConnections: number) =>
    openBeside(database, { purpose, maxConnections, log, scope: pools });
  const coverage = new CoverageGate(beside("background", 1));
  const answering = perProfile(() => beside("search", Math.ceil((database.$client.options.max ?? 2) / profilesAtOnce)));
  const vectors = new QueryVectors({ embedders, metrics });
  const rollout = scope.use(
    await FollowedRollout.open({
      database: beside("background", 1),
      onChange: (routes) => tellRollout(routes, vectors, log),
      log,
    }),
  );
  const events = scope.use(new EventLog({ database: beside("background", 1), log, metrics }));
  const shadows = scope.use(
    new Shadows({ database: beside("search", shadowConnections), coverage, vectors, events, metrics, log }),
  );
  scope.use(startGuardrails({ database: beside("background", 1), settings: options.guardrails, log, metrics }));

  const checks = {
    database: () => answers(pingDatabase(database), "The database does not answer."),
    model: rememberFor(modelTestMs, () =>
      answers(Promise.all([...embedders.values()].map((embedder) => embedOne(embedder))), "A model fails."),
    ),
  };
  const context = { database, answering, answerMs, rollout, coverage, vectors, events, shadows, metrics, logQueries };
  const app = createApp({ ...context, checks, apiKey, rateLimit, trustedProxies, onLoopback, log });
  const server = createHttpServer(
    // Without the last argument, express would print what its own handlers throw with a stack trace, and send it.
    belowBasePath(basePath, (request, response) =>
      app(request as Request, response as Response, () => sendStatus(response, 500)),
    ),
    (error) => log.error({ error: messageOf(error) }, "search failed"),
  ).listen(options.port, address);
  await once(server, "listening").catch((cause: unknown) => {
    throw portTaken(`${host}:${options.port}`, cause);
  });
  scope.defer(() => drain(server));
  const { port } = server.address() as AddressInfo;
  const opened = scope.move();
  const name = isIPv6(host) ? `[${host}]` : host;
  return { url: `http://${name}:${port}/`, checks, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

type Purpose = NonNullable<OpenDatabaseOptions["purpose"]>;

/** Connections of their own to the same database. */
function openBeside(
  database: Database,
  {
    purpose,
    maxConnections,
    log,
    scope,
  }: { purpose: Purpose; maxConnections: number; log: Logger; scope: AsyncDisposableStack },
): Database {
  const opened = openDatabase({
    connectionString: database.$client.options.connectionString ?? "",
    ...{ purpose, maxConnections },
    onConnectionLost: (error) => log.warn({ error: messageOf(error) }, "database connection lost"),
  });
  scope.defer(() => opened.$client.end());
  return opened;
}

/** One pool for each profile, opened when the profile first answers. */
function perProfile(open: () => Database): (profile: string) => Database {
  const pools = new Map<string, Database>();
  return (profile) => {
    const pool = pools.get(profile) ?? open();
    pools.set(profile, pool);
    return pool;
  };
}

function tellRollout({ rollout, profiles }: Routes, vectors: QueryVectors, log: Logger): void {
  const { salt: _, ...told } = rollout;
  log.info(told, "following the rollout");
  for (const name of [rollout.baseline, rollout.candidate]) {
    const profile = profiles.get(name);
    if (profile === undefined || vectors.has(profile)) continue;
    log.warn({ profile: name, model: profile.model }, "the model of this profile is not loaded: restart this process");
  }
}

/** Tells that a check has failed, and nothing of addresses: whoever searches may ask. */
async function answers(check: Promise<unknown>, failure: string): Promise<void> {
  await check.catch((cause: unknown) => {
    throw new Error(failure, { cause });
  });
}

/** Takes no new request, and lets those in hand be answered. */
async function drain(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  const late = setTimeout(() => server.closeAllConnections(), drainMs);
  await closed;
  clearTimeout(late);
}

function portTaken(place: string, cause: unknown): ReembedError {
  return new ReembedError("port_taken", `The search cannot listen on ${place}: ${messageOf(cause)}`, {
    cause,
    remedy: "Set SEARCH_PORT to another port.",
  });
}
