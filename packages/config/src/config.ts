import { resolve } from "node:path";
import { defaultSchema, type GuardrailSettings, messageOf, profiles, ReembedError, type Role } from "@reembed/core";
import type { z } from "zod";
import {
  type ChosenProfiles,
  chosenProfiles,
  isInCatalogue,
  ProfileVariables,
  resolveChosen,
} from "./chosen-profiles.ts";
import { Environment } from "./environment.ts";
import { readTelemetry, type Telemetry } from "./telemetry.ts";

/** The environment, before a database has said which profiles there are. */
export interface Settings {
  /** Without it, the embedded database in `folder` is used. */
  databaseUrl: string | undefined;
  /** Without it, the queue is in the database. */
  redisUrl: string | undefined;
  folder: string;
  /** The schema of this installation: a database may have several, one for each of its tables that are migrated. */
  schema: string;
  /** The names in the environment; see `withProfiles`. */
  chosen: ChosenProfiles;
  models: { folder: string; hub: { endpoint: string; token: string | undefined } };
  /** How embedding servers are used for these two profiles, for passages and queries. */
  embeddingServers: { baseline: EmbeddingServer; candidate: EmbeddingServer };
  producer: {
    batchSize: number;
    maxQueuedJobs: number;
    tickMs: number;
    /** Above any of these, the backfill pauses. */
    loadBounds: { replicationLagSeconds: number; activeSessions: number; searchP95Ms: number };
    /** Days of searches with their feedback, and of throughput, that are kept; 0 keeps all. */
    retention: { searchDays: number; throughputDays: number };
  };
  worker: { concurrency: number | undefined; lockDurationMs: number; tokenBudget: number | undefined };
  /** Where people are told what they must know about a migration, and the secret that signs it; by default nowhere. */
  webhook: { url: string; secret: string } | undefined;
  /** The share of a profile's chunks that may be in quarantine; with more, `verify` and `rollout` refuse it. */
  maxQuarantinedShare: number;
  guardrails: GuardrailSettings;
  /** `basePath` is the path of its public address, without a trailing slash; empty for none. */
  search: {
    host: string;
    port: number;
    basePath: string;
    apiKey: string | undefined;
    rateLimit: number;
    logQueries: boolean;
  };
  dashboard: {
    host: string;
    port: number;
    basePath: string;
    password: string | undefined;
    operatorPassword: string | undefined;
    viewerPassword: string | undefined;
    /** Addresses or subnets of proxies that tell in X-Forwarded-User who somebody is; none by default. */
    userProxies: string[] | undefined;
    /** The role of whoever such a proxy lets in. */
    userRole: Role;
  };
  /** Proxies between clients and the search or the dashboard: their number, or their addresses or subnets; none by default. */
  trustedProxies: number | string[] | undefined;
  /** The port on which a process serves /healthz, /readyz and /metrics; none by default. */
  operationsPort: number | undefined;
  /** What OpenTelemetry's own variables switch on; by default nothing. */
  telemetry: Telemetry;
  logLevel: "debug" | "info" | "warn" | "error" | "silent";
}

interface EmbeddingServer {
  /** What its variables begin with, for messages. */
  variables: "EMBEDDING" | "BASELINE_EMBEDDING";
  /** By default the one that the profile's model has; if it has none, its files are run. */
  endpoint: string | undefined;
  apiKey: string | undefined;
  /** The server's name for the profile's model; by default the model's id. */
  servedModel: string | undefined;
  /** Per million tokens, in the operator's currency; undefined if they cost nothing. */
  price: number | undefined;
  /** Whether it is told the trace to which a request belongs. */
  traced: boolean;
  /** Maximum number of texts of a request, and of requests in flight. */
  requestTexts: number;
  requestsInFlight: number;
  /** What one process may send in a minute; unlimited if undefined. */
  tokensPerMinute: number | undefined;
  requestsPerMinute: number | undefined;
}

/**
 * Reads the environment; nothing else does. An empty variable counts as unset. `defaults` override the usual defaults.
 * @throws ReembedError `environment_invalid` (exit code 2) that lists every bad variable, without its value if that may
 * be a secret.
 */
export function loadConfig(variables: NodeJS.ProcessEnv, defaults: NodeJS.ProcessEnv = {}): Settings {
  const set = Object.entries(variables).filter(([, value]) => value?.trim() !== "");
  const given = { ...defaults, ...Object.fromEntries(set) };
  const parsed = Environment.safeParse(given);
  const telemetry = readTelemetry(given);
  const describe = (issues: readonly z.core.$ZodIssue[] = []) => issues.map((issue) => describeIssue(issue, given));
  const problems = [...describe(parsed.error?.issues), ...describeContradictions(given)];
  if (!parsed.success || problems.length > 0) throw environmentError(problems);
  return {
    ...toSettings(parsed.data),
    telemetry: { wanted: telemetry.data, problems: describe(telemetry.error?.issues) },
  };
}

function toSettings(env: Environment): Omit<Settings, "telemetry"> {
  return {
    databaseUrl: env.DATABASE_URL,
    redisUrl: env.REDIS_URL,
    folder: resolve(env.REEMBED_DIR),
    schema: env.REEMBED_SCHEMA,
    chosen: chosenProfiles(env),
    models: { folder: resolve(env.MODELS_DIR), hub: { endpoint: env.HF_ENDPOINT, token: env.HF_TOKEN } },
    embeddingServers: {
      baseline: embeddingServer(env, "BASELINE_EMBEDDING"),
      candidate: embeddingServer(env, "EMBEDDING"),
    },
    producer: producerSettings(env),
    worker: {
      concurrency: env.WORKER_CONCURRENCY,
      // PGlite blocks while a statement runs, also the renewal of locks: embedded locks must last longer than a statement.
      lockDurationMs: (env.LOCK_SECONDS ?? (env.DATABASE_URL === undefined ? 60 : 8)) * 1_000,
      tokenBudget: env.TOKEN_BUDGET,
    },
    webhook:
      env.WEBHOOK_URL === undefined || env.WEBHOOK_SECRET === undefined
        ? undefined
        : { url: env.WEBHOOK_URL, secret: env.WEBHOOK_SECRET },
    maxQuarantinedShare: env.MAX_QUARANTINED_SHARE,
    guardrails: guardrailSettings(env),
    search: {
      host: env.SEARCH_HOST,
      port: env.SEARCH_PORT,
      basePath: env.SEARCH_PATH,
      apiKey: env.SEARCH_API_KEY,
      rateLimit: env.SEARCH_RATE_LIMIT,
      logQueries: env.LOG_QUERIES === "true",
    },
    dashboard: {
      host: env.DASHBOARD_HOST,
      port: env.DASHBOARD_PORT,
      basePath: env.DASHBOARD_PATH,
      password: env.DASHBOARD_PASSWORD,
      operatorPassword: env.DASHBOARD_OPERATOR_PASSWORD,
      viewerPassword: env.DASHBOARD_VIEWER_PASSWORD,
      userProxies: env.DASHBOARD_USER_PROXIES,
      userRole: env.DASHBOARD_USER_ROLE,
    },
    trustedProxies: env.TRUSTED_PROXIES,
    operationsPort: env.OPERATIONS_PORT,
    logLevel: env.LOG_LEVEL,
  };
}

function embeddingServer(env: Environment, variables: EmbeddingServer["variables"]): EmbeddingServer {
  return {
    ...{ variables, endpoint: env[`${variables}_ENDPOINT`], apiKey: env[`${variables}_API_KEY`] },
    servedModel: env[`${variables}_ENDPOINT_MODEL`],
    price: env[`${variables}_PRICE`],
    traced: env[`${variables}_TRACEPARENT`] === "true",
    requestTexts: env.EMBEDDING_REQUEST_TEXTS,
    requestsInFlight: env.EMBEDDING_REQUESTS_IN_FLIGHT,
    tokensPerMinute: env.EMBEDDING_TOKENS_PER_MINUTE,
    requestsPerMinute: env.EMBEDDING_REQUESTS_PER_MINUTE,
  };
}

function producerSettings(env: Environment): Settings["producer"] {
  return {
    batchSize: env.BATCH_SIZE,
    maxQueuedJobs: env.MAX_QUEUED_JOBS,
    tickMs: env.TICK_SECONDS * 1_000,
    loadBounds: {
      replicationLagSeconds: env.MAX_REPLICATION_LAG_SECONDS,
      activeSessions: env.MAX_ACTIVE_SESSIONS,
      searchP95Ms: env.MAX_SEARCH_P95_MS,
    },
    retention: { searchDays: env.SEARCH_RETENTION_DAYS, throughputDays: env.THROUGHPUT_RETENTION_DAYS },
  };
}

function guardrailSettings(env: Environment): GuardrailSettings {
  return {
    windowSeconds: env.GUARDRAIL_WINDOW_SECONDS,
    leastSearches: env.GUARDRAIL_LEAST_SEARCHES,
    errorMargin: env.GUARDRAIL_ERROR_MARGIN,
    emptyMargin: env.GUARDRAIL_EMPTY_MARGIN,
    negativeMargin: env.GUARDRAIL_NEGATIVE_MARGIN,
    p95Ratio: env.GUARDRAIL_P95_RATIO,
    p95MarginMs: env.GUARDRAIL_P95_MARGIN_MS,
  };
}

function describeIssue(issue: z.core.$ZodIssue, given: NodeJS.ProcessEnv): string {
  const name = String(issue.path[0]);
  const secret = /_(URL|ENDPOINT|TOKEN|KEY|PASSWORD|SECRET)$/.test(name);
  return secret ? `${name} ${issue.message}` : `${name} ${issue.message}, not ${given[name]}`;
}

/** Contradictions between variables that are valid by themselves; reported together with invalid ones. */
function describeContradictions(given: NodeJS.ProcessEnv): string[] {
  const problems: string[] = [];
  if (given.REDIS_URL !== undefined && given.DATABASE_URL === undefined) {
    problems.push("REDIS_URL is set without DATABASE_URL: the embedded database has its own queue");
  }
  if ((given.REEMBED_SCHEMA ?? defaultSchema) !== defaultSchema && given.DATABASE_URL === undefined) {
    problems.push("REEMBED_SCHEMA is set without DATABASE_URL: each REEMBED_DIR has an embedded database of its own");
  }
  if (given.WEBHOOK_URL !== undefined && given.WEBHOOK_SECRET === undefined) {
    problems.push("WEBHOOK_URL is set without WEBHOOK_SECRET: its receiver could not tell who sends");
  }
  if (given.WEBHOOK_SECRET !== undefined && given.WEBHOOK_URL === undefined) {
    problems.push("WEBHOOK_SECRET is set without WEBHOOK_URL: nothing would be sent");
  }
  problems.push(...describeOpenDoors(given));
  const variables = ProfileVariables.safeParse(given);
  if (!variables.success) return problems;
  const chosen = chosenProfiles(variables.data);
  // Only a database knows other profiles than the catalogue's.
  if (!isInCatalogue({ chosen })) return problems;
  try {
    resolveChosen(chosen, profiles);
  } catch (error) {
    problems.push(messageOf(error));
  }
  return problems;
}

/** Settings of the dashboard with which somebody would be more than was meant. */
function describeOpenDoors(given: NodeJS.ProcessEnv): string[] {
  const others = ["DASHBOARD_OPERATOR_PASSWORD", "DASHBOARD_VIEWER_PASSWORD", "DASHBOARD_USER_PROXIES"];
  const alone = given.DASHBOARD_PASSWORD === undefined ? others.filter((name) => given[name] !== undefined) : [];
  const same = (name: string, other: string, role: string, becomes: string) =>
    given[name] !== undefined && given[name] === given[other]
      ? [`${name} must not be ${other}: it would make every ${role} an ${becomes}`]
      : [];
  return [
    ...alone.map((name) => `${name} is set without DASHBOARD_PASSWORD, so everybody would be an admin`),
    ...same("DASHBOARD_VIEWER_PASSWORD", "DASHBOARD_PASSWORD", "viewer", "admin"),
    ...same("DASHBOARD_OPERATOR_PASSWORD", "DASHBOARD_PASSWORD", "operator", "admin"),
    ...same("DASHBOARD_VIEWER_PASSWORD", "DASHBOARD_OPERATOR_PASSWORD", "viewer", "operator"),
  ];
}

function environmentError(problems: readonly string[]): ReembedError {
  // A number can break two rules of its variable, and both rules have the same sentence.
  const different = [...new Set(problems)];
  const count = different.length === 1 ? "a bad setting" : `${different.length} bad settings`;
  const list = different.map((problem) => `\n  - ${problem}`).join("");
  return new ReembedError("environment_invalid", `The environment has ${count}:${list}`, {
    exitCode: 2,
    remedy: ".env.example explains every variable.",
  });
}
