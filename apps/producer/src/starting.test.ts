import { createLogger } from "@reembed/runtime";
import type { Database } from "@reembed/store/database";
import { describeOnEachServer, openTestDatabase, testProfile } from "@reembed/testing";
import { expect, test } from "vitest";
import { startProducer } from "./producer.ts";

const m3 = testProfile("mini-m3");

/** A database whose server refuses the first statements, as if it stopped right after the connection was checked. */
function refusing(database: Database, statements: number): Database & { refused: () => number } {
  let refused = 0;
  return Object.assign(Object.create(database), {
    refused: () => refused,
    execute: async (statement: Parameters<Database["execute"]>[0]) => {
      if (refused < statements) {
        refused++;
        throw Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
      }
      return await database.execute(statement);
    },
  });
}

describeOnEachServer(
  "a producer that starts",
  (open) => {
    test("waits for a server that goes away between its checks and its first statement", async () => {
      const servers = await open();
      await using database = await openTestDatabase(servers, [m3]);
      const away = refusing(database, 3);
      const options = { batchSize: 16, maxQueuedJobs: 20, tickMs: 60_000, lockDurationMs: 10_000 };
      const log = createLogger("silent");
      await using _ = await startProducer({ database: away, queue: servers.queue, ...options, log });
      expect(away.refused()).toBe(3);
    });
  },
  ["PostgreSQL"],
);
