import {
  createDatabase,
  nativeUnavailable,
  openTestDatabase,
  startNativePostgres,
  startNativeRedis,
  testProfile,
  waitFor,
} from "@reembed/testing";
import { Redis } from "ioredis";
import { describe, expect, onTestFinished, test } from "vitest";
import { type BatchResult, EmbedQueue, startEmbedWorker } from "./embed-queue.ts";
import { TickQueue } from "./tick-queue.ts";

const missing = nativeUnavailable();
const title = "queues whose server goes away";
const empty = { waiting: 0, active: 0, delayed: 0, failed: 0 };
const options = { concurrency: 1, lockDurationMs: 10_000 };
const process = async (): Promise<BatchResult> => {
  throw new Error("There is no batch");
};

describe.skipIf(missing !== undefined)(missing === undefined ? title : `${title}: skipped, ${missing}`, () => {
  test("a queue opened while PostgreSQL is away says so, and works when it is back", async () => {
    const postgres = await startNativePostgres();
    onTestFinished(() => postgres[Symbol.asyncDispose]());
    const connectionString = await createDatabase(postgres.connectionString);
    const server = { kind: "postgres", connectionString } as const;
    await (await openTestDatabase({ connectionString, queue: server }, [testProfile("mini-m3")])).$client.end();
    await postgres.kill();
    const errors: string[] = [];
    const queue = new EmbedQueue(server, "away", (error) => errors.push(error.message));
    onTestFinished(() => queue[Symbol.asyncDispose]());
    const counts = queue.counts();
    await waitFor("a second attempt", () => errors.length >= 2);
    expect(errors[0]).toMatch(/^Waiting for PostgreSQL at 127\.0\.0\.1:\d+: connect ECONNREFUSED/);
    await postgres.restart();
    expect(await counts).toEqual(empty);
  });

  test("a worker that closes while PostgreSQL is away does not wait for it", async () => {
    const postgres = await startNativePostgres();
    onTestFinished(() => postgres[Symbol.asyncDispose]());
    const connectionString = await createDatabase(postgres.connectionString);
    const server = { kind: "postgres", connectionString } as const;
    await (await openTestDatabase({ connectionString, queue: server }, [testProfile("mini-m3")])).$client.end();
    let told = 0;
    const worker = startEmbedWorker(server, "closing", options, process, () => told++);
    await worker.waitUntilReady();
    await postgres.kill();
    await waitFor("the worker to notice", () => told > 0);
    await worker.close();
  });

  test("a Redis without memory is asked again after growing pauses", async () => {
    const redis = await startNativeRedis();
    onTestFinished(() => redis[Symbol.asyncDispose]());
    const client = new Redis(redis.url);
    onTestFinished(() => client.disconnect());
    const server = { kind: "redis", url: redis.url } as const;
    const queue = new EmbedQueue(server, "full", () => {});
    onTestFinished(() => queue[Symbol.asyncDispose]());
    await queue.enqueue([{ profile: "full", kind: "backfill", chunkIds: [1] }]);
    await client.config("SET", "maxmemory", "1mb");
    const refusedAt: number[] = [];
    const worker = startEmbedWorker(server, "full", options, process, ({ message }) => {
      if (/^Waiting for Redis at 127\.0\.0\.1:\d+: OOM/.test(message)) refusedAt.push(performance.now());
    });
    onTestFinished(() => worker.close());
    await waitFor("four refusals", () => refusedAt.length >= 4);
    // At least 100, 200, 400 and 800 ms before each, and one more of the look for stalled jobs; BullMQ alone makes
    // hundreds of attempts in that time.
    const [first = 0, , , fourth = 0] = refusedAt;
    expect(fourth - first).toBeGreaterThan(600);
  });

  test("ticks come back when the last one was lost and its schedule was not", async () => {
    const redis = await startNativeRedis();
    onTestFinished(() => redis[Symbol.asyncDispose]());
    const client = new Redis(redis.url);
    onTestFinished(() => client.disconnect());
    const ticks = new TickQueue({ kind: "redis", url: redis.url }, () => {});
    onTestFinished(() => ticks[Symbol.asyncDispose]());
    await ticks.ensureScheduled(50);
    await client.del(ticks.bullmq.toKey("delayed"), ticks.bullmq.toKey("wait"), ticks.bullmq.toKey("marker"));
    await waitFor("the schedule to be overdue and mended", () => ticks.ensureScheduled(50));
    const { delayed = 0, waiting = 0 } = await ticks.bullmq.getJobCounts("delayed", "waiting");
    expect(delayed + waiting).toBe(1);
  });
});
