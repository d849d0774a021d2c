import { loadConfig, readAdjustable, withProfiles } from "@reembed/config";
import { startDashboard } from "@reembed/dashboard";
import { guardOptions } from "@reembed/migration/rollout";
import { readStages, readStatus } from "@reembed/migration/status";
import { tick } from "@reembed/producer";
import { EmbedQueue, EmbedQueues, type QueueServer } from "@reembed/queue";
import { createLogger } from "@reembed/runtime";
import { sweepBlock } from "@reembed/store/changes";
import { sampleChunks } from "@reembed/store/corpus";
import type { Database } from "@reembed/store/database";
import { sampleVectorIds } from "@reembed/store/embeddings";
import { readCoverage, readNextChunks, recountBlocks } from "@reembed/store/progress";
import { checkVectors } from "@reembed/store/verification";
import { median, roundTo } from "../embed/figures.ts";
import { createCorpus, editChunks, growCorpus, readCandidate } from "./corpus.ts";

/** Milliseconds at one size of the corpus: the median of the rounds, and the slowest. */
export interface ScaleFigures {
  chunks: number;
  databaseMB: number;
  ms: Record<string, { median: number; slowest: number }>;
}

export interface ScaleOptions {
  /** Numbers of chunks, in ascending order. */
  sizes: readonly number[];
  rounds: number;
  tell: (line: string) => void;
}

interface Servers {
  database: Database;
  queue: QueueServer;
}

const edits = 100;

/** Measures everything that runs at intervals or for each page, with an application that edits, while the corpus grows. */
export async function measureScale(
  { database, queue }: Servers,
  { sizes, rounds, tell }: ScaleOptions,
): Promise<ScaleFigures[]> {
  await createCorpus(database);
  await using embeds = new EmbedQueue(queue, "after", () => {});
  await using queues = new EmbedQueues(queue, () => {});
  const config = withProfiles(loadConfig({ DATABASE_URL: "postgres://localhost", CANDIDATE_PROFILE: "bge-m3" }));
  await using dashboard = await startDashboard({
    ...{ database, queue, port: 0, log: createLogger("silent") },
    guard: async () => guardOptions(config),
    steering: { readConfig: async () => config, given: readAdjustable({}) },
  });
  const figures: ScaleFigures[] = [];
  for (const [index, to] of sizes.entries()) {
    await growCorpus(database, { from: sizes[index - 1] ?? 0, to, tell });
    tell(`measuring at ${to} chunks`);
    const measured: Record<string, number[]> = {};
    for (let round = 0; round <= rounds; round++) {
      for (const [name, work] of Object.entries(
        await worksOf({ database, queues, embeds, url: dashboard.url, config, round }),
      )) {
        const startedAt = performance.now();
        await work();
        // The first round warms up caches and connections.
        if (round > 0) measured[name] = [...(measured[name] ?? []), performance.now() - startedAt];
      }
      await embeds.bullmq.obliterate({ force: true });
    }
    figures.push({ chunks: to, databaseMB: await sizeOf(database), ms: summarize(measured) });
  }
  return figures;
}

interface WorkContext {
  database: Database;
  queues: EmbedQueues;
  embeds: EmbedQueue;
  url: string;
  config: Parameters<typeof guardOptions>[0];
  round: number;
}

/** What is measured, in this order, each round. */
async function worksOf({
  database,
  queues,
  embeds,
  url,
  config,
  round,
}: WorkContext): Promise<Record<string, () => Promise<unknown>>> {
  const profile = await readCandidate(database);
  const settings = { batchSize: 32, maxQueuedJobs: 1_000, tickMs: 5_000, countEveryMs: 0, sweepEveryMs: 0 };
  // Edits go on beside all of it, and their chunks wait, because there is no worker.
  await editChunks(database, edits, round);
  const half = { ...profile, state: "backfilling" as const, backfillCursor: Math.floor(profile.backfillTarget / 2) };
  const page = async (path: string) => {
    const response = await fetch(new URL(path, url));
    await response.text();
    if (!response.ok) throw new Error(`${path} answers ${response.status}`);
  };
  return {
    [`tick with ${edits} edits`]: () => tick(database, embeds, profile.name, settings),
    // What the producer does after each tick. An edit has its block counted anew, because the log does not say what it was.
    "counts of 64 blocks after it": () => recountBlocks(database),
    "tick without edits": () => tick(database, embeds, profile.name, settings),
    "status and metrics": () => readStatus(database, queues),
    "stage and guard": () => readStages(database, guardOptions(config)),
    "coverage of the search's gate": () => readCoverage(database, profile),
    "overview page": () => page("."),
    "changes page": () => page("changes"),
    "quarantine page": () => page("quarantine/after"),
    "next 3,200 chunks of a backfill": () => readNextChunks(database, half, { limit: 3_200 }),
    "block of a sweep": () => sweepBlock(database, profile, { everyMs: 0 }),
    "sample of 200 chunks": () => sampleChunks(database, profile, 200),
    "sample of 200 vectors": () => sampleVectorIds(database, profile, 200),
    "page of a verification": async () => {
      for await (const _ of checkVectors(database, profile)) break;
    },
  };
}

function summarize(measured: Record<string, number[]>): ScaleFigures["ms"] {
  const entries = Object.entries(measured).map(([name, times]) => [
    name,
    { median: roundTo(median(times), 1), slowest: roundTo(Math.max(...times), 1) },
  ]);
  return Object.fromEntries(entries);
}

async function sizeOf({ $client }: Database): Promise<number> {
  const { rows } = await $client.query("select pg_database_size(current_database()) / 1e6 as mb");
  return Math.round(rows[0].mb);
}
