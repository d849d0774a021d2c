import { setTimeout } from "node:timers/promises";
import { activeProfiles, type Config } from "@reembed/config";
import { type Profile, ReembedError } from "@reembed/core";
import { startDashboard } from "@reembed/dashboard";
import { startOnnxEmbedder } from "@reembed/embedder";
import { startProducer } from "@reembed/producer";
import type { Logger } from "@reembed/runtime";
import {
  type Coverage,
  countDocuments,
  countOtherDocuments,
  type Database,
  dropTables,
  readCoverage,
  readProfile,
  readTokens,
} from "@reembed/store";
import { startWorker } from "@reembed/worker";
import { loadCorpus } from "../corpus/load-corpus.ts";
import { readCorpus } from "../corpus/read-corpus.ts";
import { handbook } from "../corpus/sample-texts.ts";
import { progressBars } from "../progress.ts";
import { initialize, openServers, type Services } from "../services.ts";

const pollMs = 150;
const patienceMs = 120_000;

/** The last line of `npm run demo -- --json`. */
interface DemoResult {
  documents: number;
  /** Of both chunkings together. */
  chunks: number;
  embedded: number;
  quarantined: number;
  coverage: number;
  tokensPerSecond: number;
  elapsedMs: number;
  /** Not evaluated yet. */
  baseline: { ndcg10: null; recall10: null };
  candidate: { ndcg10: null; recall10: null };
  rollout: { percent: number };
}

export interface Demo extends AsyncDisposable {
  result: DemoResult;
  profiles: (Coverage & { profile: Profile })[];
  url: string;
}

/**
 * Runs the whole migration in this process: loads the sample handbook, builds the baseline and the candidate profile
 * through the queue, and leaves dashboard, producer and workers up until it is disposed of.
 */
export async function runDemo(config: Config, log: Logger, interrupted: Promise<unknown>): Promise<Demo> {
  await using scope = new AsyncDisposableStack();
  say(
    config.databaseUrl === undefined
      ? `Starting the embedded database in ${config.folder}`
      : "Connecting to your servers",
  );
  const services = scope.use(await openServers(config, log));
  if (config.databaseUrl === undefined) await dropTables(services.database);
  await initialize(config, services);
  const { database } = services;

  const startedAt = performance.now();
  await refuseOtherCorpus(database);
  say("Loading samples/handbook");
  const { problems } = await loadCorpus(database, handbook, () => {});
  for (const { place, reason } of problems) say(`skipped ${place}: ${reason}`);

  const dashboard = scope.use(await startDashboard({ database, queue: services.queue, ...config.dashboard, log }));
  const tokensBefore = await readTokens(database);
  const embeddingSince = performance.now();
  await startFleet(config, services, log, scope);
  say(`Embedding with ${names(config)}; watch it at ${dashboard.url}`);
  const profiles = await untilCovered(database, activeProfiles(config), interrupted);

  const sum = (of: "chunks" | "embedded" | "quarantined") =>
    profiles.reduce((total, profile) => total + profile[of], 0);
  const seconds = (performance.now() - embeddingSince) / 1_000;
  const unknown = { ndcg10: null, recall10: null };
  const result: DemoResult = {
    documents: await countDocuments(database),
    chunks: sum("chunks"),
    embedded: sum("embedded"),
    quarantined: sum("quarantined"),
    coverage: sum("embedded") / sum("chunks"),
    tokensPerSecond: Math.round(((await readTokens(database)) - tokensBefore) / seconds),
    elapsedMs: Math.round(performance.now() - startedAt),
    baseline: unknown,
    candidate: unknown,
    rollout: { percent: 0 },
  };
  const opened = scope.move();
  return { result, profiles, url: dashboard.url, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** The demo shares a database with nobody: an operator's environment must not put a handbook into a live corpus. */
async function refuseOtherCorpus(database: Database): Promise<void> {
  const uris: string[] = [];
  for await (const entry of readCorpus(handbook)) if (entry.kind === "document") uris.push(entry.document.uri);
  const others = await countOtherDocuments(database, uris);
  if (others === 0) return;
  throw new ReembedError("demo_database_used", `The database of DATABASE_URL holds ${others} other documents.`, {
    exitCode: 3,
    remedy: "Give the demo an empty database, or unset DATABASE_URL for the embedded one.",
  });
}

/** One producer, and a worker for each profile. */
async function startFleet(
  config: Config,
  { database, queue }: Services,
  log: Logger,
  scope: AsyncDisposableStack,
): Promise<void> {
  const { concurrency, lockDurationMs, tokenBudget } = config.worker;
  for (const { name, model } of activeProfiles(config)) {
    const embedder = scope.use(
      await startOnnxEmbedder({ model, modelsFolder: config.models.folder, device: "cpu", tokenBudget }),
    );
    const profile = await readProfile(database, name);
    scope.use(await startWorker({ database, profile, embedder, queue, concurrency, lockDurationMs, log }));
  }
  scope.use(await startProducer({ database, queue, ...config.producer, lockDurationMs, log }));
}

/** Waits, with progress bars, until no chunk of the profiles is pending. */
async function untilCovered(
  database: Database,
  profiles: readonly Profile[],
  interrupted: Promise<unknown>,
): Promise<Demo["profiles"]> {
  using bars = progressBars();
  const shown = profiles.map((profile) => ({ profile, bar: bars.add(profile.name, "chunks") }));
  let stopped = false;
  void interrupted.then(() => {
    stopped = true;
  });
  let leastPending = Number.POSITIVE_INFINITY;
  let progressAt = performance.now();
  for (;;) {
    const covered: Demo["profiles"] = [];
    for (const { profile, bar } of shown) {
      const coverage = await readCoverage(database, await readProfile(database, profile.name));
      bar.update(coverage.chunks - coverage.pending, coverage.chunks);
      covered.push({ ...coverage, profile });
    }
    const pending = covered.reduce((total, { pending }) => total + pending, 0);
    if (pending === 0) return covered;
    if (pending < leastPending) progressAt = performance.now();
    leastPending = Math.min(leastPending, pending);
    if (stopped) throw new ReembedError("interrupted", "The demo was interrupted.");
    if (performance.now() - progressAt > patienceMs) throw stuck(pending);
    await setTimeout(pollMs);
  }
}

function stuck(pending: number): ReembedError {
  return new ReembedError("demo_stuck", `No chunk was embedded for ${patienceMs / 1_000} s; ${pending} are pending.`, {
    remedy: "Run it again with LOG_LEVEL=info to see what happens.",
  });
}

function names(config: Config): string {
  return activeProfiles(config)
    .map((profile) => profile.name)
    .join(" and ");
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
