import { endsWithin } from "@reembed/core";
import {
  createDatabase,
  type NativePostgres,
  type NativeRedis,
  nativeUnavailable,
  openTestDatabase,
  startNativePostgres,
  startNativeRedis,
  startSwallowingProxy,
  testProfile,
  waitFor,
} from "@reembed/testing";
import { Redis } from "ioredis";
import { describe, expect, type TestContext, test } from "vitest";
import { BatchHandedBack, type BatchResult, EmbedQueue, startEmbedWorker } from "./embed-queue.ts";
import type { QueueServer } from "./server.ts";
import { TickQueue } from "./tick-queue.ts";

const missing = nativeUnavailable();
const title = "queues whose server goes away";
const empty = { waiting: 0, active: 0, delayed: 0, failed: 0 };
const options = { concurrency: 1, lockDurationMs: 10_000 };
/** Well above the longest time that closing takes, also on a busy machine, and below a minute. */
const patienceMs = 45_000;
type Native = Pick<NativePostgres & NativeRedis, "kill" | "freeze" | "thaw" | typeof Symbol.asyncDispose>;
const process = async (): Promise<BatchResult> => {
  throw new Error("There is no batch");
};

type Finished = Pick<TestContext, "onTestFinished">;

// Each test has servers of its own, and waits for them most of the time: so several run at once.
const name = missing === undefined ? title : `${title}: skipped, ${missing}`;
describe.skipIf(missing !== undefined)(name, { concurrent: true }, () => {
  // The longest comes first.
  test("a worker whose connections to the queue are swallowed takes batches by new ones within a minute", async (context) => {
    const kinds = ["redis", "postgres"] as const;
    // Both at once: either gives up a connection after half a minute.
    await Promise.all(kinds.map((kind) => swallow(kind, context)));
  });

  test("a queue that is opened while PostgreSQL is away reports that, and works when it is back", async ({
    onTestFinished,
  }) => {
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

  async function startServer(kind: QueueServer["kind"]): Promise<{ server: QueueServer; native: Native }> {
    if (kind === "redis") {
      const redis = await startNativeRedis();
      return { server: { kind, url: redis.url }, native: redis };
    }
    const postgres = await startNativePostgres();
    const connectionString = await createDatabase(postgres.connectionString);
    const server = { kind, connectionString } as const;
    await (await openTestDatabase({ connectionString, queue: server }, [testProfile("mini-m3")])).$client.end();
    return { server, native: postgres };
  }

  describe.for([
    { kind: "postgres", how: "is away" },
    { kind: "postgres", how: "answers nothing" },
    { kind: "redis", how: "is away" },
    { kind: "redis", how: "answers nothing" },
  ] as const)("closing does not wait for a server ($kind) that $how:", ({ kind, how }) => {
    async function start({ onTestFinished }: Finished) {
      const { server, native } = await startServer(kind);
      onTestFinished(() => native[Symbol.asyncDispose]());
      let told = 0;
      const onError = () => void told++;
      const takeAway = async () => {
        if (how === "is away") {
          await native.kill();
          await waitFor("it to be missed", () => told > 0);
        } else {
          native.freeze();
          onTestFinished(() => native.thaw());
        }
      };
      return { server, onError, takeAway };
    }

    test("of queues and an idle worker", async (context) => {
      const { server, onError, takeAway } = await start(context);
      const queue = new EmbedQueue(server, "closing", onError);
      const ticks = new TickQueue(server, onError);
      const worker = startEmbedWorker(server, "closing", process, { ...options, onError });
      await Promise.all([worker.waitUntilReady(), queue.counts(), ticks.checkWritable()]);
      await takeAway();
      const closing = [queue[Symbol.asyncDispose](), ticks[Symbol.asyncDispose](), worker.close()];
      expect(await endsWithin(patienceMs, Promise.all(closing))).toBe(true);
    });

    test("of a worker that has to return a batch", async (context) => {
      const { server, onError, takeAway } = await start(context);
      const taken = Promise.withResolvers<void>();
      const stopping = Promise.withResolvers<void>();
      const handBack = async (): Promise<BatchResult> => {
        taken.resolve();
        await stopping.promise;
        throw new BatchHandedBack();
      };
      const queue = new EmbedQueue(server, "closing", onError);
      const worker = startEmbedWorker(server, "closing", handBack, { ...options, onError });
      await queue.enqueue([{ profile: "closing", kind: "backfill", chunkIds: [1] }]);
      await taken.promise;
      await takeAway();
      stopping.resolve();
      expect(await endsWithin(patienceMs, worker.close())).toBe(true);
      await queue[Symbol.asyncDispose]();
    });
  });

  async function swallow(kind: QueueServer["kind"], { onTestFinished }: Finished): Promise<void> {
    const { server, native } = await startServer(kind);
    onTestFinished(() => native[Symbol.asyncDispose]());
    const proxy = await startSwallowingProxy(server.kind === "redis" ? server.url : server.connectionString);
    onTestFinished(() => proxy[Symbol.asyncDispose]());
    const { connectionString } = proxy;
    const proxied: QueueServer = kind === "redis" ? { kind, url: connectionString } : { kind, connectionString };
    const taken: number[] = [];
    const take = async (batch: { chunkIds: readonly number[] }): Promise<BatchResult> => {
      taken.push(...batch.chunkIds);
      return { embedded: 1, reused: 0, stale: 0, quarantined: 0, tokens: 0, truncatedTokens: 0 };
    };
    await using queue = new EmbedQueue(server, "swallowed", () => {});
    const worker = startEmbedWorker(proxied, "swallowed", take, { ...options, onError: () => {} });
    onTestFinished(() => worker.close());
    await queue.enqueue([{ profile: "swallowed", kind: "backfill", chunkIds: [1] }]);
    await waitFor(`the first batch of ${kind}`, () => taken.includes(1));
    proxy.swallow();
    await queue.enqueue([{ profile: "swallowed", kind: "backfill", chunkIds: [2] }]);
    await waitFor(`the second batch of ${kind}`, () => taken.includes(2));
  }

  test("a Redis without memory is retried after growing pauses", async ({ onTestFinished }) => {
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
    const worker = startEmbedWorker(server, "full", process, {
      ...options,
      onError({ message }) {
        if (/^Waiting for Redis at 127\.0\.0\.1:\d+: OOM/.test(message)) refusedAt.push(performance.now());
      },
    });
    onTestFinished(() => worker.close());
    await waitFor("four refusals", () => refusedAt.length >= 4);
    // At least 100, 200, 400 and 800 ms, and one more attempt from the check for stalled jobs. BullMQ alone would make
    // hundreds of attempts in that time.
    const [first = 0, , , fourth = 0] = refusedAt;
    expect(fourth - first).toBeGreaterThan(600);
  });

  test("ticks start again if the last one was lost but the schedule was not", async ({ onTestFinished }) => {
    const redis = await startNativeRedis();
    onTestFinished(() => redis[Symbol.asyncDispose]());
    const client = new Redis(redis.url);
    onTestFinished(() => client.disconnect());
    const ticks = new TickQueue({ kind: "redis", url: redis.url }, () => {});
    onTestFinished(() => ticks[Symbol.asyncDispose]());
    await ticks.ensureScheduled(50);
    await client.del(ticks.bullmq.toKey("delayed"), ticks.bullmq.toKey("wait"), ticks.bullmq.toKey("marker"));
    await waitFor("the schedule to be overdue and repaired", () => ticks.ensureScheduled(50));
    const { delayed = 0, waiting = 0 } = await ticks.bullmq.getJobCounts("delayed", "waiting");
    expect(delayed + waiting).toBe(1);
  });
});
