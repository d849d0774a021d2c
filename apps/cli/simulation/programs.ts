import { isTransient } from "@reembed/core";
import { pauseBackfill, resumeBackfill, startOrAdjustBackfill } from "@reembed/migration/backfill";
import { type TickSettings, tick } from "@reembed/producer";
import { BatchHandedBack } from "@reembed/queue";
import { retryQuarantined } from "@reembed/store/embeddings";
import { readProfile } from "@reembed/store/profiles";
import { recountBlocks } from "@reembed/store/progress";
import { type BatchContext, embedBatch } from "@reembed/worker";
import { SimulatedEmbedder } from "./simulated-embedder.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import type { SimulatedJob } from "./simulated-queue.ts";
import type { World } from "./world.ts";

/** Small values, so that few chunks make several jobs and fill the queue. */
const settings: TickSettings = { batchSize: 2, maxQueuedJobs: 4, tickMs: 1_000, sweepEveryMs: 0 };

const operator = { by: "anna", reason: "" };

/** The programs of processes: Reembed's own functions. */
export const programs = {
  tick: (world: World) => async (process: SimulatedProcess) => {
    const { unseen } = world;
    const { state } = await tick(process.database, world.queue.seenBy(process), world.stage.profile.name, settings);
    await recountBlocks(process.database);
    // It has swept what was there when it began, unless the backfill had not begun.
    if (state !== "paused" && state !== "no chunks yet") world.swept = Math.max(world.swept, unseen);
  },
  pause: (world: World) => async (process: SimulatedProcess) => {
    const profile = await readProfile(process.database, world.stage.profile.name);
    await pauseBackfill({ database: process.database, queue: world.queue.seenBy(process) }, profile, operator);
  },
  resume: (world: World) => async (process: SimulatedProcess) => {
    const profile = await readProfile(process.database, world.stage.profile.name);
    await resumeBackfill({ database: process.database, queue: world.queue.seenBy(process) }, profile, operator);
  },
  "newest first": (world: World) => (process: SimulatedProcess) => changeOrder(world, process, "newest"),
  "oldest first": (world: World) => (process: SimulatedProcess) => changeOrder(world, process, "id"),
  retry: (world: World) => async (process: SimulatedProcess) => {
    for (const reason of ["empty_text", "embedding_failed", "attempts_exhausted"]) {
      await retryQuarantined(process.database, world.stage.profile, { reason });
    }
  },
} satisfies Record<string, (world: World) => (process: SimulatedProcess) => Promise<void>>;

async function changeOrder(world: World, process: SimulatedProcess, order: "newest" | "id"): Promise<void> {
  const profile = await readProfile(process.database, world.stage.profile.name);
  const on = { database: process.database, queue: world.queue.seenBy(process) };
  await startOrAdjustBackfill(on, profile, { order, until: null, rate: null }, operator);
}

const stops = new WeakMap<SimulatedProcess, AbortController>();

/** Tells a worker to stop, as SIGTERM does. */
export function tellToStop(process: SimulatedProcess): void {
  stops.get(process)?.abort();
}

/** A worker that takes one job. It does what `startWorker` does, without heartbeat and metrics. */
export function startWorkerOn(world: World, job: SimulatedJob): SimulatedProcess {
  const stop = new AbortController();
  const process = world.start("worker", async (process) => {
    world.queue.take(job, process);
    process.holding.push(...job.data.chunkIds);
    const context: BatchContext = {
      database: process.database,
      profile: world.stage.profile,
      embedder: new SimulatedEmbedder(world.stage.corpus.profile.model, process),
      log: world.stage.log,
      onProgress: async () => {},
      onStage: () => {},
      stopping: stop.signal,
    };
    try {
      await outlast(() => embedBatch(job.data, context));
      await process.pass(() => world.queue.complete(job, process));
    } catch (error) {
      if (error instanceof BatchHandedBack) return process.pass(() => world.queue.handBack(job, process));
      await process.pass(() => world.queue.fail(job, process));
      throw error;
    }
  });
  stops.set(process, stop);
  return process;
}

/** Like `outlast` of the runtime, but without pauses, because time does not pass by itself here. */
async function outlast(work: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await work();
      return;
    } catch (error) {
      if (!isTransient(error)) throw error;
    }
  }
}
