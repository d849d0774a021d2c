import { readCoverage } from "@reembed/store";
import { describeOnEachServer, waitFor } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { expectComplete, type FleetMigration, startFleetMigration, untilShare } from "./fleet-migration.ts";

/** On a busy machine a live worker may come too late to renew a lock of 2 s, and its batch is embedded twice. */
const options = { documents: 1_000, workers: 3, settings: { LOCK_SECONDS: "10" } };

describeOnEachServer(
  "a fleet of three worker processes",
  (open) => {
    const startMigration = async (): Promise<FleetMigration> => await startFleetMigration(await open(), options);

    test("one killed half-way: all is covered, and only what the kill explains is embedded twice", async () => {
      const migration = await startMigration();
      const { database, registered, fleet } = migration;
      await untilShare(migration, 0.3);
      const working = () => [0, 1, 2].filter((index) => fleet.embeddedBy(index).length > 0);
      const [first = 0] = await waitFor("a worker to kill", () => (working().length > 0 ? working() : undefined));
      const killed = await fleet.killWorker(first);
      await expectComplete(migration);

      const { rows } = await database.execute<{ id: string; hash: string }>(sql`
        select chunk_id as id, encode(content_hash, 'hex') as hash from reembed.chunk_embeddings
        where profile = ${registered.name}`);
      const runs = fleet.embeddedChunks();
      const embedded = new Set(rows.filter(({ id }) => runs.has(Number(id))).map(({ hash }) => hash));
      const twice = [...runs].filter(([, times]) => times > 1);
      // The others have the vector of a chunk with the same text.
      expect(rows.filter(({ hash }) => !embedded.has(hash))).toEqual([]);
      expect(twice.every(([chunkId, times]) => times === 2 && killed.has(chunkId))).toBe(true);
      // What it had embedded and not stored: at most a micro-batch of each batch in its hands.
      expect(twice.length).toBeLessThanOrEqual(2 * 64);
      expect(killed.size).toBeGreaterThan(0);
    });

    test("the queue deleted half-way: the producer finds out by itself, and all is covered", async () => {
      const migration = await startMigration();
      const { servers, database, registered, fleet } = migration;
      await untilShare(migration, 0.3);
      if (servers.queue.kind !== "redis") throw new Error("This test deletes a queue on Redis");
      const redis = new Redis(servers.queue.url);
      await redis.flushall();
      redis.disconnect();
      expect((await readCoverage(database, registered)).coverage).toBeLessThan(1);
      await expectComplete(migration);
      expect(fleet.exited()).toEqual([]);
    });
  },
  ["PostgreSQL and Redis"],
);
