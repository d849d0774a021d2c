import { setTimeout } from "node:timers/promises";
import { readStatus } from "@reembed/migration/status";
import { EmbedQueues, type QueueServer } from "@reembed/queue";
import { type Database, readIdentity } from "@reembed/store/database";
import { type RegisteredProfile, readProfile } from "@reembed/store/profiles";
import { embeddingsPartition } from "@reembed/store/schema";
import { sql } from "drizzle-orm";
import { Redis } from "ioredis";
import { median, roundTo } from "../embed/figures.ts";
import { adoptCorpus, fillCorpus, type idTypes } from "./corpus.ts";
import { type CpuUse, cpuSecondsOf, findServers, perMillion, postgresCpuSeconds } from "./cpu-use.ts";
import { ProducerProcess, type Servers, WorkerProcesses } from "./processes.ts";
import { startWatch, type WatchFigures } from "./watch.ts";

const pollMs = 50;
const statusReads = 5;

export interface FleetOptions {
  chunks: number;
  /** The ids of an adopted table whose rows are the chunks; undefined for chunks of our own. */
  adopted?: keyof typeof idTypes | undefined;
  workers: readonly number[];
  /** Number of windows per number of workers. */
  rounds: number;
  windowChunks: number;
}

interface Window {
  rate: number;
  cpuPerMillion: CpuUse;
}

interface Throughput {
  workers: number;
  /** Median over the rounds. */
  chunksPerSecond: number;
  /** CPU seconds per million chunks: medians over the rounds. */
  cpuPerMillion: CpuUse;
}

export interface FleetFigures extends WatchFigures {
  chunks: number;
  throughput: Throughput[];
  postgresBytesPerChunk: number;
  /** Median milliseconds to read the status at the end. */
  statusMs: number;
}

export async function measureFleet(
  database: Database,
  servers: Servers,
  { chunks, adopted, workers, rounds, windowChunks }: FleetOptions,
  say: (line: string) => void,
): Promise<FleetFigures> {
  say(`Filling the chunking with ${chunks} short texts`);
  const { fleet } =
    adopted === undefined
      ? await fillCorpus(database, chunks, (done) => say(`  ${done}`))
      : await adoptCorpus(database, chunks, adopted);
  await using scope = new AsyncDisposableStack();
  const producer = scope.use(new ProducerProcess(servers));
  const watch = scope.use(await startWatch(database, servers, { profile: fleet.name, producer }));

  const redis = new Redis(servers.redisUrl);
  scope.defer(() => void redis.disconnect());
  const pids = await findServers(database, redis);

  const throughput: Throughput[] = [];
  for (const count of workers) {
    const windows: Window[] = [];
    for (let round = 1; round <= rounds; round++) {
      await using running = new WorkerProcesses(servers, count);
      const cpu = () => ({
        postgres: postgresCpuSeconds(pids.postmaster),
        redis: cpuSecondsOf(pids.redis),
        producer: producer.cpuSeconds(),
        workers: running.cpuSeconds(),
      });
      const window = await measureWindow(running, windowChunks, cpu);
      windows.push(window);
      const seconds = Object.entries(window.cpuPerMillion).map(([part, value]) => `${part} ${value}`);
      say(
        `${count} workers, round ${round}: ${window.rate.toFixed(0)} chunks/s; CPU s per million: ${seconds.join(", ")}`,
      );
    }
    const medianOf = (part: keyof CpuUse) => median(windows.map(({ cpuPerMillion }) => cpuPerMillion[part]));
    throughput.push({
      workers: count,
      chunksPerSecond: roundTo(median(windows.map(({ rate }) => rate)), 0),
      cpuPerMillion: {
        postgres: medianOf("postgres"),
        redis: medianOf("redis"),
        producer: medianOf("producer"),
        workers: medianOf("workers"),
      },
    });
  }
  say("Embedding the rest");
  await using rest = new WorkerProcesses(servers, workers.at(-1) ?? 1);
  await untilComplete(database, fleet, rest);

  return {
    chunks,
    throughput,
    ...watch.summarize(chunks),
    postgresBytesPerChunk: roundTo((await relationBytes(database, embeddingsPartition(fleet.name))) / chunks, 0),
    statusMs: await measureStatus(database, servers),
  };
}

/** Starts with the first embedded chunk, so that the start of processes and connections is not measured. */
async function measureWindow(workers: WorkerProcesses, chunks: number, cpu: () => CpuUse): Promise<Window> {
  while (workers.done === 0) await setTimeout(pollMs);
  const before = { done: workers.done, cpu: cpu() };
  const startedAt = performance.now();
  while (workers.done - before.done < chunks) await setTimeout(pollMs);
  const done = workers.done - before.done;
  const seconds = (performance.now() - startedAt) / 1_000;
  return { rate: done / seconds, cpuPerMillion: perMillion(before.cpu, cpu(), done) };
}

async function untilComplete(database: Database, profile: RegisteredProfile, workers: WorkerProcesses): Promise<void> {
  while ((await readProfile(database, profile.name)).state !== "backfilled") {
    // Throws if one of them has ended.
    void workers.done;
    await setTimeout(1_000);
  }
}

async function measureStatus(database: Database, { redisUrl }: Servers): Promise<number> {
  const queue: QueueServer = { kind: "redis", url: redisUrl, prefix: await readIdentity(database) };
  await using queues = new EmbedQueues(queue, () => {});
  const took: number[] = [];
  for (let read = 0; read < statusReads; read++) {
    const startedAt = performance.now();
    await readStatus(database, queues);
    took.push(performance.now() - startedAt);
    // Longer than anything is cached.
    await setTimeout(1_500);
  }
  return roundTo(median(took), 0);
}

async function relationBytes(database: Database, relation: string): Promise<number> {
  const { rows } = await database.execute<{ bytes: string }>(sql`select pg_total_relation_size(${relation}) as bytes`);
  return Number(rows[0]?.bytes);
}
