import { setTimeout } from "node:timers/promises";
import { readStatus } from "@reembed/dashboard";
import { EmbedQueues, type QueueServer } from "@reembed/queue";
import { type Database, embeddingsPartition, type RegisteredProfile, readProfile } from "@reembed/store";
import { sql } from "drizzle-orm";
import { median, roundTo } from "../embed/figures.ts";
import { fillCorpus } from "./corpus.ts";
import { ProducerProcess, runBare, type Servers, WorkerProcesses } from "./processes.ts";
import { startWatch, type WatchFigures } from "./watch.ts";

const pollMs = 50;
const statusReads = 5;

export interface FleetOptions {
  chunks: number;
  workers: readonly number[];
  /** Windows per number of workers, each beside one of the bare loop. */
  rounds: number;
  windowChunks: number;
}

interface Throughput {
  workers: number;
  /** Medians over the rounds, in chunks per second. */
  fleet: number;
  bare: number;
  ratio: number;
}

export interface FleetFigures extends WatchFigures {
  chunks: number;
  throughput: Throughput[];
  postgresBytesPerChunk: number;
  /** Median milliseconds to read the status, at the end. */
  statusMs: number;
}

export async function measureFleet(
  database: Database,
  servers: Servers,
  { chunks, workers, rounds, windowChunks }: FleetOptions,
  say: (line: string) => void,
): Promise<FleetFigures> {
  say(`Filling the chunking with ${chunks} short texts`);
  const { fleet } = await fillCorpus(database, chunks, (done) => say(`  ${done}`));
  await using scope = new AsyncDisposableStack();
  const producer = scope.use(new ProducerProcess(servers));
  const watch = scope.use(startWatch(database, servers, { profile: fleet.name, producer }));

  const throughput: Throughput[] = [];
  let bareAfter = 0;
  for (const count of workers) {
    const rates: { fleet: number[]; bare: number[] } = { fleet: [], bare: [] };
    for (let round = 1; round <= rounds; round++) {
      const bare = await runBare(servers, { processes: count, after: bareAfter, chunks: windowChunks });
      bareAfter += windowChunks;
      await using running = new WorkerProcesses(servers, count);
      const ours = await measureWindow(running, windowChunks);
      rates.bare.push(bare);
      rates.fleet.push(ours);
      say(`${count} workers, round ${round}: fleet ${ours.toFixed(0)}, bare ${bare.toFixed(0)} chunks/s`);
    }
    const [ours, bare] = [median(rates.fleet), median(rates.bare)];
    throughput.push({
      workers: count,
      fleet: roundTo(ours, 0),
      bare: roundTo(bare, 0),
      ratio: roundTo(ours / bare, 3),
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

/** From the first chunk that is done, so that neither the start of processes nor that of their connections counts. */
async function measureWindow(workers: WorkerProcesses, chunks: number): Promise<number> {
  while (workers.done === 0) await setTimeout(pollMs);
  const before = workers.done;
  const startedAt = performance.now();
  while (workers.done - before < chunks) await setTimeout(pollMs);
  return (workers.done - before) / ((performance.now() - startedAt) / 1_000);
}

async function untilComplete(database: Database, profile: RegisteredProfile, workers: WorkerProcesses): Promise<void> {
  while ((await readProfile(database, profile.name)).state !== "backfilled") {
    // Throws when one of them has ended.
    void workers.done;
    await setTimeout(1_000);
  }
}

async function measureStatus(database: Database, { redisUrl }: Servers): Promise<number> {
  const queue: QueueServer = { kind: "redis", url: redisUrl };
  await using queues = new EmbedQueues(queue, () => {});
  const took: number[] = [];
  for (let read = 0; read < statusReads; read++) {
    const startedAt = performance.now();
    await readStatus(database, queues);
    took.push(performance.now() - startedAt);
    // Longer than anything may be remembered.
    await setTimeout(1_500);
  }
  return roundTo(median(took), 0);
}

async function relationBytes(database: Database, relation: string): Promise<number> {
  const { rows } = await database.execute<{ bytes: string }>(sql`select pg_total_relation_size(${relation}) as bytes`);
  return Number(rows[0]?.bytes);
}
