import { type GuardrailSettings, messageOf } from "@reembed/core";
import { type Embedder, tryEmbedding } from "@reembed/embedder";
import type { OperationsOptions } from "@reembed/http";
import { QueryVectors } from "@reembed/retrieval";
import { type Followed, type Logger, type Metrics, rememberFor } from "@reembed/runtime";
import { type Database, type OpenDatabaseOptions, openDatabase, pingDatabase, schemaOf } from "@reembed/store/database";
import { answerWithinMs, type SearchContext } from "./answer/answer-search.ts";
import { startGuardrails } from "./guardrails/guardrails.ts";
import { EventLog } from "./log/event-log.ts";
import { CoverageGate } from "./routing/coverage-gate.ts";
import { FollowedRollout, type Routes } from "./routing/followed-rollout.ts";
import { Shadows } from "./shadow/shadows.ts";

/** A readiness check runs both models, which delays answers: within this time, further checks get the last result. */
const modelTestMs = 10_000;
/** One connection per shadow that runs at the same time. */
const shadowConnections = 2;
/** The baseline and the candidate. */
const profilesAtOnce = 2;

export interface AnsweringOptions {
  /** Its number of connections is divided between the profiles that answer, half for each. */
  database: Database;
  /** Embedders of the profiles that may answer, by the id of their model. The caller closes them. */
  embedders: ReadonlyMap<string, Embedder>;
  guardrails: Followed<GuardrailSettings>;
  metrics: Metrics;
  log: Logger;
  /** Time limit of an answer in milliseconds; ten seconds by default. */
  answerMs?: number;
  /** Whether the texts of queries are stored in the events. */
  logQueries?: boolean;
}

/** What answers searches, over HTTP or in the process of an application. */
export interface Answering extends AsyncDisposable {
  context: SearchContext;
  /** The checks that must pass for this process to be ready. */
  checks: OperationsOptions["checks"];
}

/**
 * Follows the rollout, and opens what answers searches, records them and checks the rollout's guardrails. Disposal records
 * the last events.
 * @throws ReembedError `rollout_missing` if `reembed init` has not run.
 */
export async function openAnswering(options: AnsweringOptions): Promise<Answering> {
  const { database, embedders, metrics, log, answerMs = answerWithinMs, logQueries = false } = options;
  await using scope = new AsyncDisposableStack();
  // Each has connections of its own: a candidate whose searches hang delays neither the baseline's answers nor the
  // guardrail that rolls back to the baseline.
  const pools = scope.use(new AsyncDisposableStack());
  const beside = (purpose: Purpose, maxConnections: number) =>
    openBeside(database, { purpose, maxConnections, log, scope: pools });
  const coverage = new CoverageGate(perProfile(() => beside("background", 1)));
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
      answers(Promise.all([...embedders.values()].map((embedder) => tryEmbedding(embedder))), "A model fails."),
    ),
  };
  const context = { database, answering, answerMs, rollout, coverage, vectors, events, shadows, metrics, logQueries };
  const opened = scope.move();
  return { context, checks, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

type Purpose = NonNullable<OpenDatabaseOptions["purpose"]>;

/** Opens further connections to the same database. */
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
    schema: schemaOf(database),
    ...{ purpose, maxConnections },
    onConnectionLost: (error) => log.warn({ error: messageOf(error) }, "database connection lost"),
  });
  scope.defer(() => opened.$client.end());
  return opened;
}

/** One pool per profile, opened when the profile is first asked for. */
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

/** Hides the reason of a failed check, which may contain addresses: anybody who can search can request readiness. */
async function answers(check: Promise<unknown>, failure: string): Promise<void> {
  await check.catch((cause: unknown) => {
    throw new Error(failure, { cause });
  });
}
