import { readCoverage } from "@reembed/store";
import { describeOnEachServer } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { expectComplete, type FleetMigration, startFleetMigration, untilShare } from "./fleet-migration.ts";

const options = { documents: 1_000, workers: 3 };

describeOnEachServer(
  "a fleet of three worker processes",
  (open) => {
    const startMigration = async (): Promise<FleetMigration> => await startFleetMigration(await open(), options);

    test("one killed half-way: all is covered, and only what the kill explains is embedded twice", async () => {
      const migration = await startMigration();
      const { database, registered, fleet } = migration;
      await untilShare(migration, 0.3);
      const killed = await fleet.killWorker(0);
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
