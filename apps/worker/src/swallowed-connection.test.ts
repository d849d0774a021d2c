import { EmbedQueue } from "@reembed/queue";
import { createLogger } from "@reembed/runtime";
import { openDatabase } from "@reembed/store/database";
import { readProfile } from "@reembed/store/profiles";
import { readCoverage, startBackfill } from "@reembed/store/progress";
import {
  describeOnEachServer,
  HashingEmbedder,
  openTestDatabase,
  startSwallowingProxy,
  storeBodies,
  testProfile,
  waitFor,
} from "@reembed/testing";
import { sql } from "drizzle-orm";
import { expect, onTestFinished, test } from "vitest";
import { startWorker } from "./worker.ts";

const m3 = testProfile("mini-m3");
const log = createLogger("silent");

describeOnEachServer(
  "a worker whose database connections no longer answer",
  (open) => {
    test("in the middle of a batch gives up on them, and stores its vectors over new ones", async () => {
      const servers = await open();
      await using direct = await openTestDatabase(servers, [m3]);
      await storeBodies(direct, ["pay", "leave", "trips", "safety"]);
      await startBackfill(direct, await readProfile(direct, m3.name));
      const profile = await readProfile(direct, m3.name);
      const proxy = await startSwallowingProxy(servers.connectionString);
      onTestFinished(() => proxy[Symbol.asyncDispose]());
      const database = openDatabase({ connectionString: proxy.connectionString, answerWithinMs: 1_000 });
      onTestFinished(() => database.$client.end());
      let runs = 0;
      const embedder = new HashingEmbedder({
        model: m3.model,
        async beforeMicroBatch() {
          if (++runs === 1) proxy.swallow();
        },
      });
      const options = { concurrency: 1, lockDurationMs: 10_000, log };
      await using queue = new EmbedQueue(servers.queue, m3.name, () => {});
      const worker = await startWorker({ database, profile, embedder, queue: servers.queue, ...options });
      onTestFinished(() => worker[Symbol.asyncDispose]());
      const { rows } = await direct.execute<{ id: string }>(sql`select id from ${sql.raw(profile.relation)}`);
      await queue.enqueue([{ profile: m3.name, kind: "backfill", chunkIds: rows.map(({ id }) => Number(id)) }]);
      await waitFor("all vectors", async () => (await readCoverage(direct, profile)).pending === 0);
      expect(proxy.swallowed()).toBe(0);
    });
  },
  ["PostgreSQL"],
);
