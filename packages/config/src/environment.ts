import { isIP } from "node:net";
import { defaultSchema, isInstallationSchema, isProfileName, roles } from "@reembed/core";
import { z } from "zod";
import { databaseAddressProblems, redisAddressProblems } from "./addresses.ts";

/** These complete "DATABASE_URL must be …": each variable has one such sentence, whatever is wrong with its value. */
const postgresAddress = "must be an address like postgresql://user:password@host:5432/database";
const redisAddress = "must be an address like redis://:password@host:6379, or rediss:// for TLS";
const webAddress = "must be an address like https://huggingface.co";
const serverAddress = "must be an address like http://tei:8080/v1, without user and password";
const webhookAddress = "must be an address like https://hooks.example/reembed, without user and password";
const webhookSecret = "must be whsec_ and 24 to 64 random bytes in base64";
const schemaName = "must be a name like reembed_pages, of at most 40 lower-case letters, digits and underscores";
const logLevels = ["debug", "info", "warn", "error", "silent"] as const;

/** Every variable that Reembed reads. All are optional. `.env.example` explains them; a test keeps the two in step. */
export const Environment = z.object({
  DATABASE_URL: z
    .url({ protocol: /^postgres(ql)?$/, error: postgresAddress })
    .superRefine(without(databaseAddressProblems))
    .optional(),
  REDIS_URL: z
    .url({ protocol: /^rediss?$/, error: redisAddress })
    .superRefine(without(redisAddressProblems))
    .optional(),
  REEMBED_DIR: z.string().default(".reembed"),
  REEMBED_SCHEMA: z.string().refine(isInstallationSchema, schemaName).default(defaultSchema),

  BASELINE_PROFILE: profileName().default("rubert-tiny2"),
  CANDIDATE_PROFILE: profileName().default("bge-m3"),
  EMBEDDING_MODEL: z.string().optional(),
  EMBEDDING_DIMENSION: count(1, 16_000).optional(),
  MAX_CHUNK_SIZE: count(50, 100_000).optional(),
  CHUNK_OVERLAP: count(0, 50_000).optional(),
  SEARCH_LIMIT: count(1, 200).optional(),
  SIMILARITY_THRESHOLD: amount(-1, 1).optional(),

  MODELS_DIR: z.string().default("models"),
  HF_ENDPOINT: z.url({ protocol: /^https?$/, error: webAddress }).default("https://huggingface.co"),
  HF_TOKEN: z.string().optional(),

  EMBEDDING_ENDPOINT: server().optional(),
  EMBEDDING_API_KEY: serverKey().optional(),
  EMBEDDING_ENDPOINT_MODEL: z.string().optional(),
  EMBEDDING_PRICE: amount(0, 1_000_000).optional(),
  EMBEDDING_TRACEPARENT: oneOf(["true", "false"]).default("false"),
  BASELINE_EMBEDDING_ENDPOINT: server().optional(),
  BASELINE_EMBEDDING_API_KEY: serverKey().optional(),
  BASELINE_EMBEDDING_ENDPOINT_MODEL: z.string().optional(),
  BASELINE_EMBEDDING_PRICE: amount(0, 1_000_000).optional(),
  BASELINE_EMBEDDING_TRACEPARENT: oneOf(["true", "false"]).default("false"),
  EMBEDDING_REQUEST_TEXTS: count(1, 2_048).default(32),
  EMBEDDING_REQUESTS_IN_FLIGHT: count(1, 256).default(4),
  EMBEDDING_TOKENS_PER_MINUTE: count(1, 1_000_000_000).optional(),
  EMBEDDING_REQUESTS_PER_MINUTE: count(1, 1_000_000).optional(),

  BATCH_SIZE: count(1, 1_000).default(64),
  MAX_QUEUED_JOBS: count(1, 100_000).default(500),
  TICK_SECONDS: amount(0.05, 3_600).default(5),
  MAX_REPLICATION_LAG_SECONDS: amount(0.1, 86_400).default(10),
  MAX_ACTIVE_SESSIONS: count(1, 10_000).default(50),
  MAX_SEARCH_P95_MS: count(1, 600_000).default(1_000),
  SEARCH_RETENTION_DAYS: count(0, 3_650).default(90),
  THROUGHPUT_RETENTION_DAYS: count(0, 3_650).default(30),
  WEBHOOK_URL: server(webhookAddress).optional(),
  WEBHOOK_SECRET: z.string().refine(isWebhookSecret, webhookSecret).optional(),
  WORKER_CONCURRENCY: count(1, 64).optional(),
  LOCK_SECONDS: amount(0.1, 600).optional(),
  TOKEN_BUDGET: count(16, 1_000_000).optional(),

  MAX_QUARANTINED_SHARE: amount(0, 1).default(0.01),

  GUARDRAIL_WINDOW_SECONDS: count(1, 86_400).default(600),
  GUARDRAIL_LEAST_SEARCHES: count(20, 1_000_000).default(200),
  GUARDRAIL_ERROR_MARGIN: amount(0, 1).default(0.01),
  GUARDRAIL_EMPTY_MARGIN: amount(0, 1).default(0.05),
  GUARDRAIL_NEGATIVE_MARGIN: amount(0, 1).default(0.1),
  GUARDRAIL_P95_RATIO: amount(1, 1_000).default(2),
  GUARDRAIL_P95_MARGIN_MS: amount(0, 600_000).default(250),

  SEARCH_HOST: z.string().default("127.0.0.1"),
  SEARCH_PORT: count(0, 65_535).default(3031),
  SEARCH_API_KEY: z
    .string()
    .regex(/^[!-~]{8,}$/, "must have 8 characters or more, no spaces and none beyond ASCII")
    .optional(),
  SEARCH_RATE_LIMIT: count(0, 10_000_000).default(6_000),
  SEARCH_PATH: sitePath().default(""),
  LOG_QUERIES: oneOf(["true", "false"]).default("false"),

  DASHBOARD_HOST: z.string().default("127.0.0.1"),
  DASHBOARD_PORT: count(0, 65_535).default(3030),
  DASHBOARD_PATH: sitePath().default(""),
  DASHBOARD_PASSWORD: password().optional(),
  DASHBOARD_OPERATOR_PASSWORD: password().optional(),
  DASHBOARD_VIEWER_PASSWORD: password().optional(),
  DASHBOARD_USER_PROXIES: addresses().optional(),
  DASHBOARD_USER_ROLE: oneOf(roles).default("viewer"),
  TRUSTED_PROXIES: proxies().optional(),
  OPERATIONS_PORT: count(0, 65_535).optional(),
  LOG_LEVEL: oneOf(logLevels).default("info"),
});
export type Environment = z.infer<typeof Environment>;

/** Reports each problem that `problemsOf` finds as an issue of its own. */
function without(problemsOf: (value: string) => string[]) {
  return (value: string, context: z.RefinementCtx<string>) => {
    for (const message of problemsOf(value)) context.addIssue({ code: "custom", message });
  };
}

function server(error = serverAddress) {
  return z.url({ protocol: /^https?$/, error }).refine((address) => !/^[^/]*\/\/[^/?#]*@/.test(address), error);
}

/** The form and the lengths of Standard Webhooks. */
function isWebhookSecret(text: string): boolean {
  const [, base64 = ""] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(text) ?? [];
  const key = Buffer.from(base64, "base64");
  return key.toString("base64") === base64 && key.length >= 24 && key.length <= 64;
}

function serverKey() {
  return z.string().regex(/^[!-~]+$/, "must have no spaces and no characters beyond ASCII");
}

function count(least: number, most: number) {
  const error = `must be a whole number from ${least} to ${most}`;
  return z.coerce.number(error).int(error).min(least, error).max(most, error);
}

function amount(least: number, most: number) {
  const error = `must be a number from ${least} to ${most}`;
  return z.coerce.number(error).min(least, error).max(most, error);
}

/** The number of proxies, or their addresses, in the form that express takes. */
function proxies() {
  const error = "must be the number of proxies, 1 to 10, or their addresses or subnets, such as 10.0.0.0/8,::1";
  return z.string().transform((text, context) => {
    if (/^([1-9]|10)$/.test(text.trim())) return Number(text);
    return parseAddresses(text) ?? refuse(context, error);
  });
}

function addresses() {
  const error = "must be addresses or subnets, such as 10.0.0.0/8,::1";
  return z.string().transform((text, context) => parseAddresses(text) ?? refuse(context, error));
}

function parseAddresses(text: string): string[] | undefined {
  const parsed = text.split(",").map((address) => address.trim());
  return parsed.every(isSubnet) ? parsed : undefined;
}

function refuse(context: z.RefinementCtx<unknown>, message: string): never {
  context.addIssue({ code: "custom", message });
  return z.NEVER;
}

function isSubnet(text: string): boolean {
  const [address = "", bits = "0", ...rest] = text.split("/");
  return (
    isIP(address) !== 0 &&
    rest.length === 0 &&
    /^\d{1,3}$/.test(bits) &&
    Number(bits) <= (isIP(address) === 6 ? 128 : 32)
  );
}

/** Behind a proxy that takes the path off, nobody could tell these from the path. */
const ownPaths = new Set([
  "v1",
  "board",
  "login",
  "logout",
  "steer",
  "quarantine",
  "changes",
  "events",
  "assets",
  "healthz",
  "readyz",
  "metrics",
]);

/** Without a trailing slash, so that a path can be appended. */
function sitePath() {
  return z
    .string()
    .regex(/^(\/(?!\.+(\/|$))[\w.~-]+)+\/?$/, "must be a path like /reembed, of letters, digits, -, _, . and ~")
    .refine((path) => !ownPaths.has(path.split("/")[1] ?? ""), "must not begin with a path of the pages themselves")
    .transform((path) => path.replace(/\/$/, ""));
}

function profileName() {
  return z.string().refine(isProfileName, "must be the name of a profile, of lower-case letters, digits and hyphens");
}

function password() {
  return z.string().min(8, "must have 8 characters or more");
}

function oneOf<const Name extends string>(names: readonly Name[]) {
  return z.enum(names, `must be one of ${names.join(", ")}`);
}
