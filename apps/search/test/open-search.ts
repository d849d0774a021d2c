import { modelKey } from "@reembed/core";
import type { Embedder } from "@reembed/embedder";
import { createLogger, createMetrics, type Logger, type Metrics } from "@reembed/runtime";
import { type DocumentInput, storeDocuments } from "@reembed/store/corpus";
import type { Database } from "@reembed/store/database";
import { readPendingChunks, upsertEmbeddings } from "@reembed/store/embeddings";
import { readProfile } from "@reembed/store/profiles";
import { changeRollout, ensureRollout, readRollout } from "@reembed/store/rollout";
import { HashingEmbedder, openTestDatabase, type TestServers, testProfile } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { type SearchAppOptions, startSearch } from "../src/search.ts";

export const baseline = testProfile("mini-rubert");
export const candidate = testProfile("mini-m3");
const profiles = [baseline, candidate];
const embedders = new Map(
  profiles.map(({ model }) => [
    modelKey(model.id, model.revision),
    new HashingEmbedder({ model, microBatchSize: 100 }),
  ]),
);

/** Settings at which nothing is rolled back automatically. */
const guardrails = {
  windowSeconds: 60,
  leastSearches: 1_000_000,
  errorMargin: 1,
  emptyMargin: 1,
  negativeMargin: 1,
  p95Ratio: 1_000,
  p95MarginMs: 600_000,
};

interface Answer {
  requestId: string;
  profile: string;
  tookMs: number;
  results: { chunkId: number; documentId: number | null; uri: string; content: string; score: number }[];
}

export interface TestSearch extends AsyncDisposable {
  database: Database;
  metrics: Metrics;
  /** The lines of the log. */
  logged: string[];
  /** Without a trailing slash. */
  origin: string;
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  /** Sends a search, which must succeed. */
  ask(request: Record<string, unknown>): Promise<Answer>;
  /** Does what `reembed rollout` does. */
  roll(change: { percent?: number; shadowPercent?: number }): Promise<void>;
  disposeApp(): Promise<void>;
}

export type TestSearchOptions = Partial<Omit<SearchAppOptions, "database" | "embedders">> & {
  /** Used in place of the doubles. */
  embedders?: readonly Embedder[];
  /** Profiles whose chunks get no vectors. */
  unembedded?: readonly string[];
};

export const texts = ["pay days and advances", "leave of absence", "business trips", "sick leave"];

/** One document for each of `texts`, every second one in Russian, and each with another owner. */
const documents: DocumentInput[] = texts.map((body, index) => ({
  uri: `text-${index}`,
  title: `Text ${index}`,
  language: index % 2 === 0 ? "en" : "ru",
  body,
  metadata: { owner: { id: index }, tags: ["all", `tag-${index}`] },
}));

/** A search app with a new database in which `texts` are embedded with both profiles. An equal text is found with score 1. */
export async function openSearch(
  servers: TestServers,
  { unembedded = [], ...options }: TestSearchOptions = {},
): Promise<TestSearch> {
  await using scope = new AsyncDisposableStack();
  const database = scope.use(await openTestDatabase(servers, profiles));
  await ensureRollout(database, { baseline: baseline.name, candidate: candidate.name });
  await storeDocuments(database, documents);
  for (const { name } of profiles) if (!unembedded.includes(name)) await embedAll(database, name);

  const logged: string[] = [];
  const metrics = createMetrics();
  const app = await startSearch({
    database,
    guardrails,
    metrics,
    log: recordingLog(logged),
    port: 0,
    ...options,
    embedders: loaded(options.embedders),
  });
  let open = true;
  const disposeApp = async () => {
    if (open) await app[Symbol.asyncDispose]();
    open = false;
  };
  scope.defer(disposeApp);
  const { origin } = new URL(app.url);
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    fetch(`${origin}${path}`, {
      method: "POST",
      body: typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body),
      headers: { "content-type": "application/json", ...headers },
    });
  const opened = scope.move();
  return {
    database,
    metrics,
    logged,
    origin,
    get: (path, headers = {}) => fetch(`${origin}${path}`, { headers }),
    post,
    async ask(request) {
      const response = await post("/v1/search", request);
      if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
      return (await response.json()) as Answer;
    },
    async roll({ percent, shadowPercent }) {
      const now = await readRollout(database);
      const stage = percent ? "canary" : "shadow";
      const to = { ...now, stage, percent: percent ?? now.percent, shadowPercent: shadowPercent ?? now.shadowPercent };
      await changeRollout(database, now, { ...to, stage }, { by: "a test", reason: "a test" });
    },
    disposeApp,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

export interface EventRow extends Record<string, unknown> {
  request_id: string;
  profile: string;
  shadow_of: string | null;
  query: string | null;
  results: number;
  chunk_ids: string[];
  scores: number[];
  error: string | null;
  overlap10: number | null;
  rank_correlation: number | null;
}

export async function readEvents(database: Database): Promise<EventRow[]> {
  const { rows } = await database.execute<EventRow>(sql`select * from reembed.search_events order by id`);
  return rows;
}

/** The values of a metric, by its labels sorted by name. */
export async function valuesOf(metric: { get(): Promise<{ values: { labels: object; value: number }[] }> }) {
  const { values } = await metric.get();
  return Object.fromEntries(values.map(({ labels, value }) => [Object.values(labels).join(" "), value]));
}

/** The embedders of both profiles, of which a test replaces some by others of the same model. */
function loaded(others: readonly Embedder[] = []): Map<string, Embedder> {
  const replaced = new Set(others.map(({ model }) => model.id));
  const kept = [...embedders].filter(([, { model }]) => !replaced.has(model.id));
  const given = others.map((embedder) => [modelKey(embedder.model.id, embedder.model.revision), embedder] as const);
  return new Map<string, Embedder>([...kept, ...given]);
}

async function embedAll(database: Database, name: string): Promise<void> {
  const profile = await readProfile(database, name);
  const embedder = embedders.get(modelKey(profile.model, profile.revision));
  const { rows } = await database.execute<{ id: string }>(sql`select id from ${sql.raw(profile.relation)} c`);
  const ids = rows.map((row) => Number(row.id));
  const pending = await readPendingChunks(database, profile, ids);
  const outcomes = await Array.fromAsync(
    embedder?.embed(
      pending.map(({ content }) => content),
      { as: "passage" },
    ) ?? [],
  );
  const embedded = outcomes.flat().map((outcome, index) => ({
    chunkId: pending[index]?.id ?? 0,
    contentHash: pending[index]?.contentHash ?? Buffer.alloc(0),
    vector: "vector" in outcome ? outcome.vector : new Float32Array(),
    tokenCount: 5,
    truncatedTokens: 0,
  }));
  await upsertEmbeddings(database, profile, embedded);
}

function recordingLog(lines: string[]): Logger {
  const record = (...parts: unknown[]) => void lines.push(JSON.stringify(parts));
  return Object.assign(createLogger("silent"), { info: record, warn: record, error: record });
}
