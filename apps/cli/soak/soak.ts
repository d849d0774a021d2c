import { setTimeout as delay } from "node:timers/promises";
import { messageOf } from "@reembed/core";
import { EmbedQueue, type QueueCounts } from "@reembed/queue";
import { storeDocuments } from "@reembed/store/corpus";
import type { Database } from "@reembed/store/database";
import { type RegisteredProfile, readProfile } from "@reembed/store/profiles";
import { readCoverage } from "@reembed/store/progress";
import { openTestDatabase, startNativePostgres, startNativeRedis, testProfile, waitFor } from "@reembed/testing";
import { Command } from "commander";
import { queueOf } from "../src/hosting/services.ts";
import { type Fleet, type FleetLog, startFleet } from "../test/fleet.ts";
import { body, faults, type Scene } from "./faults.ts";
import { MemoryWatch } from "./memory.ts";
import { Random } from "./random.ts";
import { verify } from "./verify.ts";

const chunking = { size: 700, overlap: 70 };
const profile = testProfile("mini-m3", chunking);
const documents = 400;
const betweenFaultsMs = 2_500;
/** Only ends runs that hang: a busy machine may need minutes. */
const settleWithinMs = 600_000;

const { minutes, seed } = new Command("soak")
  .description("a migration under random faults on servers of its own, and the proof that nothing was lost")
  .option("--minutes <n>", "how long faults go on", Number, 10)
  .option("--seed <n>", "to repeat a run's faults", Number, Date.now() % 1_000_000)
  .parse()
  .opts<{ minutes: number; seed: number }>();
if (!(minutes > 0) || !Number.isInteger(seed))
  throw new RangeError("--minutes must be a number above 0, and --seed a whole number");
process.exitCode = (await soak()) ? 0 : 1;

async function soak(): Promise<boolean> {
  say(`seed ${seed}, ${minutes} minutes`);
  await using scope = new AsyncDisposableStack();
  const postgres = scope.use(await startNativePostgres());
  const redis = scope.use(await startNativeRedis({ appendOnly: true }));
  const connectionString = await postgres.createDatabase("soak");
  const servers = { connectionString, queue: { kind: "redis" as const, url: redis.url } };
  const database = scope.use(await openTestDatabase(servers, [profile]));
  await fill(database);
  const settings = { LOG_LEVEL: "info", MAX_QUEUED_JOBS: "20", BATCH_SIZE: "16" };
  const fleet = scope.use(startFleet(servers, { profile: "mini-m3", chunking, workers: 3, dashboard: true, settings }));
  const random = new Random(seed);
  const scene: Scene = { database, postgres, redis, fleet, random, documents, expendable: [1, 2] };

  const memory = new MemoryWatch();
  const made = await makeFaults(scene, memory);
  say("no more faults; waiting for the rest");
  const registered = await readProfile(database, profile.name);
  await using queue = new EmbedQueue(await queueOf(database, servers.queue), profile.name, () => {});
  const left = await settle(database, registered, queue, fleet);
  const verdict = await verify(database, registered);
  const processes = memory.report();
  const ended = fleet.exited().length;
  const growing = processes.filter(({ grows }) => grows).length;
  const passed = verdict.missing === 0 && verdict.wrong === 0 && left === 0 && ended === 0 && growing === 0;
  console.log(
    JSON.stringify({
      soak: passed ? "passed" : "failed",
      seed,
      minutes,
      faults: made,
      ...verdict,
      left,
      ended,
      processes,
    }),
  );
  for (const lines of fleet.exited()) say(`A process ended by itself:\n${lines.slice(-3_000)}`);
  return passed;
}

async function fill(database: Database): Promise<void> {
  const inputs = Array.from({ length: documents }, (_, index) => ({
    uri: `${index}`,
    title: "",
    language: "ru",
    body: body(index, 0),
    metadata: {},
  }));
  await storeDocuments(database, inputs);
}

/** Returns how often each fault was made. */
async function makeFaults(scene: Scene, memory: MemoryWatch): Promise<Record<string, number>> {
  const made: Record<string, number> = {};
  const until = performance.now() + minutes * 60_000;
  while (performance.now() < until) {
    const name = scene.random.pick(Object.keys(faults));
    say(name);
    made[name] = (made[name] ?? 0) + 1;
    // A server that was just disconnected may not answer yet.
    await waitFor(
      name,
      () =>
        (faults[name] ?? (async () => {}))(scene).then(
          () => true,
          (error: unknown) => {
            if (/ended with/.test(messageOf(error))) throw error;
            say(`  again: ${messageOf(error)}`);
            return false;
          },
        ),
      { timeoutMs: settleWithinMs },
    );
    for (const { command, pid } of lasting(scene.fleet)) memory.sample(command, pid);
    await delay(betweenFaultsMs);
  }
  return made;
}

/**
 * The first worker, the producer and the dashboard, which are never ended, from when they are ready. Before that they load
 * their code and their model, which may take a busy machine half of a short soak.
 */
function lasting(fleet: Fleet): FleetLog[] {
  const isReady = ({ lines }: FleetLog) => lines.some((line) => / ready"/.test(line));
  return fleet.logs().filter((log, index) => (log.command !== "worker" || index === 0) && isReady(log));
}

/** Waits until nothing is pending and no job is left; returns the jobs that are still left. */
async function settle(
  database: Database,
  registered: RegisteredProfile,
  queue: EmbedQueue,
  fleet: Fleet,
): Promise<number> {
  const jobs = ({ waiting, active, delayed }: QueueCounts) => waiting + active + delayed;
  await waitFor(
    "nothing to be pending and no job to be left",
    async () => {
      if (fleet.exited().length > 0) return true;
      const { pending, changes } = await readCoverage(database, registered);
      return pending + changes === 0 && jobs(await queue.counts()) === 0;
    },
    { timeoutMs: settleWithinMs, intervalMs: 500 },
  );
  return jobs(await queue.counts());
}

function say(line: string): void {
  console.error(`${new Date().toISOString().slice(11, 19)} ${line}`);
}
