import { requestVerification } from "@reembed/migration/verify";
import { readLastTask } from "@reembed/store/operators";
import { readProfile } from "@reembed/store/profiles";
import { readCoverage } from "@reembed/store/progress";
import { lastVerification } from "@reembed/store/verification";
import { describeOnEachServer, waitFor } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { expectComplete, type FleetMigration, startFleetMigration, untilShare } from "./fleet-migration.ts";

/** On a busy machine a live worker may be too late to renew a lock of 2 s, and its batch would be embedded twice. */
const options = { documents: 1_000, workers: 3, settings: { LOCK_SECONDS: "10" } };

describeOnEachServer(
  "a fleet of three worker processes",
  (open) => {
    const startMigration = async (): Promise<FleetMigration> => await startFleetMigration(await open(), options);

    test("after one is killed half-way, everything is covered, and only the killed worker's micro-batches are embedded twice", async () => {
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
      // All others have the same text as a chunk with a vector.
      expect(rows.filter(({ hash }) => !embedded.has(hash))).toEqual([]);
      expect(twice.every(([chunkId, times]) => times === 2 && killed.has(chunkId))).toBe(true);
      // It had embedded but not stored at most one micro-batch of each of its batches.
      expect(twice.length).toBeLessThanOrEqual(2 * 64);
      expect(killed.size).toBeGreaterThan(0);
    });

    test("after the queue is deleted half-way, the producer notices, and everything is covered", async () => {
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

    test("verifies, in one of its workers, what a page asks for", async () => {
      const migration = await startFleetMigration(await open(), { ...options, documents: 40, workers: 2 });
      const { database, registered, fleet } = migration;
      await expectComplete(migration);
      const profile = await readProfile(database, registered.name);
      await requestVerification(database, profile, { by: "anna", reason: "before the rollout" });
      const task = await waitFor("the verification", async () => {
        const last = await readLastTask(database);
        return last?.endedAt === null ? undefined : last;
      });
      expect(task).toMatchObject({ state: "done", says: expect.stringContaining(`${registered.name} is proven`) });
      expect(await lastVerification(database, profile)).toMatchObject({
        passed: true,
        report: { device: "cpu", embeddedAgain: { compared: 200, wrong: 0 } },
      });
      expect(fleet.exited()).toEqual([]);
    });
  },
  ["PostgreSQL and Redis"],
);
