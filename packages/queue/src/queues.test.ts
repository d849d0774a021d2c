import { describeOnEachServer, openTestDatabase, type TestServers, testProfile, waitFor } from "@reembed/testing";
import { Redis } from "ioredis";
import pg from "pg";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { type BatchResult, EmbedBatch, EmbedQueue, startEmbedWorker } from "./embed-queue.ts";
import { readFailedBatches } from "./failed-batches.ts";
import { startTickWorker, TickQueue } from "./tick-queue.ts";
import { hasUnfinishedJobs, readWaitingJobs } from "./waiting-jobs.ts";

const nothing: BatchResult = { embedded: 0, reused: 0, stale: 0, quarantined: 0, tokens: 0, truncatedTokens: 0 };
const ignore = () => {};
const options = { concurrency: 1, lockDurationMs: 10_000, onError: ignore };

describeOnEachServer("the queues", (open) => {
  let servers: TestServers;
  beforeAll(async () => {
    servers = await open();
    await using _tables = await openTestDatabase(servers, [testProfile("mini-m3")]);
  });

  function openQueue(profile: string): EmbedQueue {
    const queue = new EmbedQueue(servers.queue, profile, ignore);
    onTestFinished(() => queue[Symbol.asyncDispose]());
    return queue;
  }

  const batch = (profile: string, chunkId: number, kind: EmbedBatch["kind"] = "backfill"): EmbedBatch => ({
    profile,
    kind,
    chunkIds: [chunkId],
  });

  test("changes are taken before the backfill, and each in order of arrival", async () => {
    const queue = openQueue("order");
    await queue.enqueue([
      batch("order", 1),
      batch("order", 2),
      batch("order", 3, "changes"),
      batch("order", 4, "changes"),
    ]);
    expect(await queue.counts()).toEqual({ waiting: 4, active: 0, delayed: 0, failed: 0 });
    const taken: number[] = [];
    const take = async ({ chunkIds }: EmbedBatch) => {
      taken.push(...chunkIds);
      return nothing;
    };
    const worker = startEmbedWorker(servers.queue, "order", take, options);
    onTestFinished(() => worker.close());
    await waitFor("all batches", () => taken.length === 4);
    expect(taken).toEqual([3, 4, 1, 2]);
  });

  test("failed batches are counted, with the reason of the last one", async () => {
    expect(await readFailedBatches(servers.queue, "failing")).toBeNull();
    const queue = openQueue("failing");
    await queue.enqueue([batch("other", 1), batch("failing", 2)]);
    const worker = startEmbedWorker(servers.queue, "failing", async () => nothing, options);
    onTestFinished(() => worker.close());
    await waitFor("the failure", async () => (await queue.counts()).failed === 1);
    expect(await readFailedBatches(servers.queue, "failing")).toEqual({
      batches: 1,
      reason: "This batch is for other; the worker embeds failing",
      secondsAgo: expect.any(Number),
    });
  });

  test("a batch that moves while the states are read is not missed, whichever way it goes", async () => {
    for (const [from, to] of [
      ["prioritized", "active"],
      ["active", "prioritized"],
    ]) {
      let state = from;
      // As on PostgreSQL: one state after the other, and a worker comes between the first two.
      const getJobs = async (states: readonly string[]) => {
        const found = states.flatMap((read) => {
          const jobs = read === state ? [{ data: batch("moving", 1) }] : [];
          state = to;
          return jobs;
        });
        state = to;
        return found;
      };
      const moving = { bullmq: { getJobs } } as unknown as EmbedQueue;
      expect(await hasUnfinishedJobs(moving, "backfill")).toBe(true);
    }
  });

  test("a batch may have any whole ids, 0 and less too", () => {
    expect(EmbedBatch.parse(batch("ids", 0)).chunkIds).toEqual([0]);
    expect(EmbedBatch.parse(batch("ids", -5)).chunkIds).toEqual([-5]);
    expect(EmbedBatch.safeParse(batch("ids", 0.5)).success).toBe(false);
  });

  test("a batch that fails is retried", async () => {
    const queue = openQueue("retry");
    await queue.enqueue([batch("retry", 1)]);
    let attempts = 0;
    const failOnce = async () => {
      if (++attempts === 1) throw new Error("the database is restarting");
      return nothing;
    };
    const worker = startEmbedWorker(servers.queue, "retry", failOnce, options);
    onTestFinished(() => worker.close());
    await waitFor("a second attempt", () => attempts === 2);
    await waitFor("the job to be done", async () => (await queue.bullmq.getCompletedCount()) === 1);
  });

  test("a failed job has the reason of a failed query, but not its parameters", async () => {
    const queue = openQueue("secret");
    await queue.bullmq.add("backfill", batch("secret", 1), { attempts: 1 });
    const fail = async () => {
      throw new Error("Failed query: insert … params: the text of a chunk", { cause: new Error("disk full") });
    };
    const worker = startEmbedWorker(servers.queue, "secret", fail, options);
    onTestFinished(() => worker.close());
    await waitFor("the job to fail", async () => (await queue.counts()).failed === 1);
    const [job] = await queue.bullmq.getFailed();
    expect(job?.failedReason).toBe("disk full");
    expect(JSON.stringify(job)).not.toContain("the text of a chunk");
  });

  test("a payload that is not a batch, or is for another profile, fails permanently and is not processed", async () => {
    const queue = openQueue("payload");
    await queue.bullmq.add("backfill", { profile: "payload", kind: "backfill", chunkIds: ["1; drop table"] } as never);
    await queue.bullmq.add("backfill", batch("other", 1));
    let processed = 0;
    const count = async () => {
      processed++;
      return nothing;
    };
    const worker = startEmbedWorker(servers.queue, "payload", count, options);
    onTestFinished(() => worker.close());
    await waitFor("both to fail", async () => (await queue.counts()).failed === 2);
    const reasons = (await queue.bullmq.getFailed()).map((job) => `${job.attemptsMade}: ${job.failedReason}`).sort();
    expect(reasons[0]).toMatch(/^1: This batch is for other; the worker embeds payload/);
    expect(reasons[1]).toMatch(/^1: This is not a batch of chunks: .*chunkIds/s);
    expect(processed).toBe(0);
  });

  test("a job whose data are not JSON fails once and can be listed, and the other jobs are taken", async () => {
    const queue = openQueue("unreadable");
    const neighbours = [1, 2, 3].map((chunkId) => batch("unreadable", chunkId));
    await queue.enqueue(neighbours.slice(0, 1));
    const bad = await queue.bullmq.add("backfill", batch("unreadable", 9), { priority: 2 });
    await queue.enqueue(neighbours.slice(1));
    await breakData(servers, queue, bad.id ?? "");
    expect(await readWaitingJobs(queue, "backfill")).toHaveLength(3);
    const taken: number[] = [];
    const errors: Error[] = [];
    const take = async ({ chunkIds }: EmbedBatch) => {
      taken.push(...chunkIds);
      return nothing;
    };
    const worker = startEmbedWorker(servers.queue, "unreadable", take, {
      ...options,
      onError: (error) => errors.push(error),
    });
    onTestFinished(() => worker.close());
    await waitFor("the neighbours", () => taken.length === 3);
    await waitFor("it to fail", async () => (await queue.counts()).failed === 1);
    const [failed] = await queue.bullmq.getFailed();
    expect(failed).toMatchObject({
      attemptsMade: 1,
      failedReason: expect.stringContaining("This is not a batch of chunks"),
    });
    expect({ taken, errors }).toEqual({ taken: [1, 2, 3], errors: [] });
  });

  test("a retry that a wrong clock has delayed by a day is taken after it was seen waiting for too long", async () => {
    const queue = openQueue("put-off");
    await queue.bullmq.add("backfill", batch("put-off", 1), { delay: 86_400_000 });
    await queue.promoteForgotten();
    expect(await queue.counts()).toMatchObject({ waiting: 0, delayed: 1 });
    await queue.promoteForgotten(0);
    expect(await queue.counts()).toMatchObject({ waiting: 1, delayed: 0 });
  });

  test("two producers make one tick at a time, and the schedule is restored after the queue was lost", async () => {
    const ticks = new TickQueue(servers.queue, ignore);
    onTestFinished(() => ticks[Symbol.asyncDispose]());
    let running = 0;
    let atOnce = 0;
    let made = 0;
    const intervals = new Set<number | undefined>();
    const tick = async (everyMs: number | undefined) => {
      intervals.add(everyMs);
      atOnce = Math.max(atOnce, ++running);
      // Further ticks are due meanwhile, and the other worker is idle.
      const startedAt = performance.now();
      await waitFor("three intervals to pass", () => performance.now() - startedAt > 150);
      running--;
      made++;
    };
    for (let producer = 0; producer < 2; producer++) {
      const worker = startTickWorker(servers.queue, 10_000, tick, ignore);
      onTestFinished(() => worker.close());
    }
    expect(await ticks.ensureScheduled(50)).toBe(true);
    expect(await ticks.ensureScheduled(50)).toBe(false);
    await waitFor("some ticks", () => made >= 3);
    expect(atOnce).toBe(1);
    expect(intervals).toEqual(new Set([50]));
    await ticks.bullmq.obliterate({ force: true });
    expect(await ticks.ensureScheduled(50)).toBe(true);
    const before = made;
    await waitFor("more ticks", () => made >= before + 3);
  });

  test("a host whose clock was a day ahead or behind does not delay the ticks by a day", async () => {
    for (const offset of [1, -1]) {
      const ticks = new TickQueue(servers.queue, ignore);
      onTestFinished(() => ticks[Symbol.asyncDispose]());
      await ticks.bullmq.obliterate({ force: true });
      const now = Date.now;
      Date.now = () => now() + offset * 86_400_000;
      try {
        const wrong = startTickWorker(servers.queue, 10_000, async () => {}, ignore);
        await ticks.ensureScheduled(100);
        await waitFor("a tick of it", async () => (await ticks.bullmq.getCompletedCount()) > 0);
        await wrong.close();
      } finally {
        Date.now = now;
      }
      let made = 0;
      const right = startTickWorker(servers.queue, 10_000, async () => void made++, ignore);
      onTestFinished(() => right.close());
      await waitFor("ticks again", async () => {
        await ticks.ensureScheduled(100);
        return made >= 3;
      });
      await right.close();
    }
  });

  test("the interval is that of the producer that started last, and the others leave it", async () => {
    const [first, second] = [new TickQueue(servers.queue, ignore), new TickQueue(servers.queue, ignore)];
    onTestFinished(() => Promise.all([first, second].map((ticks) => ticks[Symbol.asyncDispose]())).then(() => {}));
    const interval = async () => (await first.bullmq.getJobSchedulers()).map((scheduler) => Number(scheduler.every));
    await first.ensureScheduled(60_000);
    expect([await second.ensureScheduled(30_000), await interval()]).toEqual([true, [30_000]]);
    expect([await first.ensureScheduled(60_000), await interval()]).toEqual([false, [30_000]]);
    await first.bullmq.obliterate({ force: true });
    expect([await first.ensureScheduled(60_000), await interval()]).toEqual([true, [60_000]]);
    expect([await second.ensureScheduled(30_000), await interval()]).toEqual([false, [60_000]]);
  });
});

/** Replaces a job's data by something that is not JSON or, on PostgreSQL, which stores only JSON, not an object. */
async function breakData({ queue: server }: TestServers, { bullmq }: EmbedQueue, id: string): Promise<void> {
  if (server.kind === "redis") {
    const redis = new Redis(server.url);
    await redis.hset(bullmq.toKey(id), "data", "{half of a job");
    return redis.disconnect();
  }
  const client = new pg.Client(server.connectionString);
  await client.connect();
  try {
    const { rowCount } = await client.query(
      `update bullmq.job set data = '"half of a job"' where queue = $1 and id = $2`,
      [bullmq.name, id],
    );
    expect(rowCount).toBe(1);
  } finally {
    await client.end();
  }
}
