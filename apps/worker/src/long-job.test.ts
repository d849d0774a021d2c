import type { Profile } from "@reembed/core";
import { startOnnxEmbedder } from "@reembed/embedder";
import { type EmbedJob, EmbedQueue } from "@reembed/queue";
import { createLogger } from "@reembed/runtime";
import { readPendingChunks } from "@reembed/store/embeddings";
import { readProfile } from "@reembed/store/profiles";
import { startBackfill } from "@reembed/store/progress";
import {
  describeOnEachServer,
  encodeSlowGraph,
  openTestDatabase,
  readBackfillIds,
  slowDimensions,
  storeBodies,
  waitFor,
  writeTemporaryModel,
} from "@reembed/testing";
import { expect, test, vi } from "vitest";
import { startWorker } from "./worker.ts";

/** Long enough for a busy machine to renew it in time. */
const lockDurationMs = 1_500;
const leastMs = 5 * lockDurationMs;
const tickMs = 20;
// The duration of a run depends on the machine: the first text measures it, and the further texts are made to fit.
const growth = 1.25;
const bodies = Array.from({ length: 24 }, (_, index) => "слово ".repeat(400 * growth ** index));

describeOnEachServer(
  "a batch that keeps the model busy",
  (open) => {
    test("in one run for five times the lock's duration is neither declared stalled nor retried", async () => {
      await using scope = new AsyncDisposableStack();
      const slow = { dimensions: slowDimensions, pooling: "mean", maxTokens: 1_000_000 } as const;
      const temporary = scope.use(await writeTemporaryModel(encodeSlowGraph(), "mini-m3", slow));
      const servers = await open();
      const unsplit = slowProfile(temporary.model);
      const database = scope.use(await openTestDatabase(servers, [unsplit]));
      await storeBodies(database, bodies);
      await startBackfill(database, await readProfile(database, unsplit.name));
      const profile = await readProfile(database, unsplit.name);
      const ids = await readBackfillIds(database, profile, bodies.length);
      const chunks = await readPendingChunks(database, profile, ids);
      chunks.sort((a, b) => a.content.length - b.content.length);

      const log = createLogger("silent");
      const warn = vi.spyOn(log, "warn");
      const embedder = scope.use(await startOnnxEmbedder({ ...temporary, device: "cpu", tokenBudget: 1 }));
      const queue = scope.use(new EmbedQueue(servers.queue, profile.name, (error) => log.warn(error)));
      const worker = { database, profile, embedder, queue: servers.queue, concurrency: 1, lockDurationMs, log };
      scope.use(await startWorker(worker));

      let longest = 0;
      for (let place = 0; longest < leastMs; place += stepsTo(leastMs, longest)) {
        const chunkId = chunks[place]?.id;
        if (chunkId === undefined) throw new RangeError(`The longest text took only ${longest} ms`);
        const ticks = countTicks();
        await queue.enqueue([{ profile: profile.name, kind: "backfill", chunkIds: [chunkId] }]);
        const job = await endOf(queue, chunkId);
        longest = (job.finishedOn ?? 0) - (job.processedOn ?? 0);
        // In the process that runs the model there would be only one tick.
        expect(ticks.stop()).toBeGreaterThan(longest / tickMs / 8);
        expect(job).toMatchObject({ attemptsMade: 1, attemptsStarted: 1, stalledCounter: 0 });
        expect(job.returnvalue).toMatchObject({ embedded: 1, stale: 0, quarantined: 0 });
      }
      // A stalled batch, a lock that was not renewed and a heartbeat that was not recorded would be warnings.
      expect(warn.mock.calls).toEqual([]);
    });
  },
  ["PostgreSQL and Redis"],
);

/** A profile whose chunks are as long as their documents, so that each batch is one run of the model. */
function slowProfile(model: Profile["model"]): Profile {
  return { name: "slow", chunking: { size: 1_000_000, overlap: 0 }, model, limit: 10, threshold: 0 };
}

/** By how many texts to advance for a run of well over `wantedMs`, given that this one took `tookMs`. */
function stepsTo(wantedMs: number, tookMs: number): number {
  return Math.max(1, Math.ceil(Math.log((1.5 * wantedMs) / tookMs) / Math.log(growth)));
}

async function endOf(queue: EmbedQueue, chunkId: number): Promise<EmbedJob> {
  return await waitFor("the batch to end", async () => {
    const jobs = await queue.bullmq.getJobs(["completed", "failed"]);
    return jobs.find(({ data }) => data.chunkIds[0] === chunkId);
  });
}

/** Counts the turns of this process's event loop, one every 20 ms at best. */
function countTicks(): { stop: () => number } {
  let ticks = 0;
  const timer = setInterval(() => {
    ticks++;
  }, tickMs);
  return {
    stop() {
      clearInterval(timer);
      return ticks;
    },
  };
}
