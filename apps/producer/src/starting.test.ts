import { createLogger } from "@reembed/runtime";
import { describeOnEachServer, openTestDatabase, refuseFirst, testProfile } from "@reembed/testing";
import { expect, test } from "vitest";
import { startProducer } from "./producer.ts";

const m3 = testProfile("mini-m3");

describeOnEachServer(
  "a producer that starts",
  (open) => {
    test("waits for a server that goes away between its checks and its first statement", async () => {
      const servers = await open();
      await using database = await openTestDatabase(servers, [m3]);
      const away = refuseFirst(database, 3);
      const options = { batchSize: 16, maxQueuedJobs: 20, tickMs: 60_000, lockDurationMs: 10_000 };
      const log = createLogger("silent");
      await using _ = await startProducer({ database: away, queue: servers.queue, ...options, log });
      expect(away.refused()).toBe(3);
    });
  },
  ["PostgreSQL"],
);
