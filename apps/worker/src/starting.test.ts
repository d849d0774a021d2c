import { createLogger } from "@reembed/runtime";
import { readProfile } from "@reembed/store/profiles";
import { describeOnEachServer, HashingEmbedder, openTestDatabase, refuseFirst, testProfile } from "@reembed/testing";
import { expect, test } from "vitest";
import { startWorker } from "./worker.ts";

const m3 = testProfile("mini-m3");

describeOnEachServer(
  "a worker that starts",
  (open) => {
    test("waits for a server that goes away between its checks and its first statement", async () => {
      const servers = await open();
      await using database = await openTestDatabase(servers, [m3]);
      const away = refuseFirst(database, 3);
      const profile = await readProfile(database, m3.name);
      const embedder = new HashingEmbedder({ model: m3.model });
      const options = { profile, embedder, concurrency: 1, lockDurationMs: 10_000, log: createLogger("silent") };
      await using _ = await startWorker({ database: away, queue: servers.queue, ...options });
      expect(away.refused()).toBe(3);
    });
  },
  ["PostgreSQL"],
);
