import { createLogger } from "@reembed/runtime";
import type { Database } from "@reembed/store/database";
import { readProfile } from "@reembed/store/profiles";
import { describeOnEachServer, HashingEmbedder, openTestDatabase, testProfile } from "@reembed/testing";
import { expect, test } from "vitest";
import { startWorker } from "./worker.ts";

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
  "a worker that starts",
  (open) => {
    test("waits for a server that goes away between its checks and its first statement", async () => {
      const servers = await open();
      await using database = await openTestDatabase(servers, [m3]);
      const away = refusing(database, 3);
      const profile = await readProfile(database, m3.name);
      const embedder = new HashingEmbedder({ model: m3.model });
      const options = { profile, embedder, concurrency: 1, lockDurationMs: 10_000, log: createLogger("silent") };
      await using _ = await startWorker({ database: away, queue: servers.queue, ...options });
      expect(away.refused()).toBe(3);
    });
  },
  ["PostgreSQL"],
);
