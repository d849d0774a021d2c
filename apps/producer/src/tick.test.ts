import { EmbedQueue } from "@reembed/queue";
import { type Database, readPendingChunks, readProfile, storeDocuments, upsertEmbeddings } from "@reembed/store";
import { describeOnEachServer, openTestDatabase, storeBodies, type TestServers, testProfile } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { type TickReport, type TickSettings, tick } from "./tick.ts";

const profile = testProfile("mini-m3");
const settings: TickSettings = { batchSize: 2, maxQueuedJobs: 3 };

describeOnEachServer("a tick", (open) => {
  let servers: TestServers;
  let database: Database;
  let queue: EmbedQueue;
  beforeAll(async () => {
    servers = await open();
    database = await openTestDatabase(servers, [profile]);
    return () => database.$client.end();
  });
  beforeEach(async () => {
    await database.execute(sql`delete from reembed.documents`);
    await database.execute(
      sql`update reembed.profiles set state = 'registered', backfill_cursor = 0, backfill_target = 0`,
    );
    queue = new EmbedQueue(servers.queue, profile.name, () => {});
    await queue.bullmq.obliterate({ force: true });
  });
  afterEach(() => queue[Symbol.asyncDispose]());

  const makeTick = (): Promise<TickReport> => tick(database, queue, profile.name, settings);
  const bodies = (count: number) => Array.from({ length: count }, (_, index) => `text ${index}`);
  const queuedBatches = async () =>
    (await queue.bullmq.getJobs(["waiting", "prioritized"], 0, -1, true)).map((job) => job.data);

  /** Does the work of the workers: everything that is queued gets a vector. */
  async function embedQueued(): Promise<void> {
    const registered = await readProfile(database, profile.name);
    const batches = await queuedBatches();
    await queue.bullmq.obliterate({ force: true });
    const vector = new Float32Array(1024).fill(1 / 32);
    for (const { chunkIds } of batches) {
      const pending = await readPendingChunks(database, registered, chunkIds);
      const embedded = pending.map(({ id, contentHash }) => ({
        chunkId: id,
        contentHash,
        vector,
        tokenCount: 1,
        truncatedTokens: 0,
      }));
      await upsertEmbeddings(database, registered, embedded);
    }
  }

  async function tickUntilComplete(): Promise<TickReport[]> {
    const reports: TickReport[] = [];
    while (reports.at(-1)?.state !== "complete") {
      if (reports.length > 50) throw new Error(`no end: ${JSON.stringify(reports.at(-1))}`);
      reports.push(await makeTick());
      await embedQueued();
    }
    return reports;
  }

  test("waits for a first document", async () => {
    expect(await makeTick()).toMatchObject({ state: "no chunks yet", backfill: 0 });
  });

  test("fills the queue up to its bound and no further, in the order of ids", async () => {
    await storeBodies(database, bodies(20));
    expect(await makeTick()).toMatchObject({ state: "enqueuing", backfill: 6 });
    expect(await makeTick()).toMatchObject({ state: "queue is full", backfill: 0 });
    const chunkIds = (await queuedBatches()).flatMap((batch) => batch.chunkIds);
    expect(chunkIds.length).toBe(6);
    expect(chunkIds).toEqual(chunkIds.toSorted((a, b) => a - b));
    expect((await readProfile(database, profile.name)).backfillCursor).toBe(chunkIds.at(-1));
  });

  test("goes through the whole corpus, and says once that it is complete", async () => {
    await storeBodies(database, bodies(20));
    const reports = await tickUntilComplete();
    expect(reports.reduce((sum, report) => sum + report.backfill, 0)).toBe(20);
    expect([reports.at(-1)?.completed, (await makeTick()).completed]).toEqual([true, false]);
  });

  test("enqueues what was edited and inserted meanwhile, ahead of the backfill", async () => {
    await storeBodies(database, bodies(20));
    await makeTick();
    await queue.bullmq.obliterate({ force: true });
    await storeBodies(database, ["text 0, edited"]);
    await storeDocuments(database, [{ uri: "new", title: "", language: "ru", body: "new text", metadata: {} }]);
    expect(await makeTick()).toMatchObject({ changes: 2, backfill: 4 });
    expect((await queuedBatches()).map((batch) => batch.kind)).toEqual(["changes", "backfill", "backfill"]);
  });

  test("does not enqueue a change again while it is in the queue", async () => {
    await storeBodies(database, bodies(2));
    await tickUntilComplete();
    await storeBodies(database, ["text 0, edited"]);
    expect((await makeTick()).changes).toBe(1);
    expect(await makeTick()).toMatchObject({ changes: 0, state: "waiting for workers" });
  });

  test("enqueues a change again at once when the queue has lost it", async () => {
    await storeBodies(database, bodies(2));
    await tickUntilComplete();
    await storeBodies(database, ["text 0, edited"]);
    await makeTick();
    await queue.bullmq.obliterate({ force: true });
    expect((await makeTick()).changes).toBe(1);
  });

  test("finds every chunk again after the queue was lost in the middle of the backfill", async () => {
    await storeBodies(database, bodies(20));
    await makeTick();
    await queue.bullmq.obliterate({ force: true });
    const reports = await tickUntilComplete();
    expect(reports.reduce((sum, report) => sum + report.gaps, 0)).toBe(6);
    const { rows } = await database.execute<{ vectors: number }>(
      sql`select count(*)::int as vectors from reembed.chunk_embeddings`,
    );
    expect(rows[0]?.vectors).toBe(20);
  });

  test("a crash between enqueuing and moving the cursor leaves no chunk out", async () => {
    await storeBodies(database, bodies(4));
    await makeTick();
    await database.execute(sql`update reembed.profiles set backfill_cursor = 0`);
    expect((await makeTick()).backfill).toBe(2);
    await tickUntilComplete();
    const { rows } = await database.execute<{ vectors: number }>(
      sql`select count(*)::int as vectors from reembed.chunk_embeddings`,
    );
    expect(rows[0]?.vectors).toBe(4);
  });
});
