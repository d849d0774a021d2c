import { type Database, type RegisteredProfile, readCoverage, readProfile, storeDocuments } from "@reembed/store";
import { describeOnEachServer, openTestDatabase, type TestServers, testProfile, waitFor } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { Redis } from "ioredis";
import { expect, onTestFinished, test } from "vitest";
import { type Fleet, startFleet } from "./fleet.ts";

const chunking = { size: 600, overlap: 60 };
const profile = testProfile("mini-m3", chunking);
const documents = 1_000;

/** A text of its own for every document, about five chunks long. */
function corpus(): { uri: string; title: string; language: string; body: string; metadata: Record<string, unknown> }[] {
  const words = "отпуск зарплата премия склад смена обучение безопасность командировка договор отдел".split(" ");
  return Array.from({ length: documents }, (_, document) => ({
    uri: `document-${document}`,
    title: `Документ ${document}`,
    language: "ru",
    body: Array.from(
      { length: 400 },
      (_, word) => `${words[(document * 7 + word * word) % 10]}${word % 13 === 0 ? document : ""}`,
    ).join(" "),
    metadata: {},
  }));
}

describeOnEachServer(
  "a fleet of three worker processes",
  (open) => {
    async function startMigration(): Promise<{
      servers: TestServers;
      database: Database;
      registered: RegisteredProfile;
      fleet: Fleet;
    }> {
      const servers = await open();
      const database = await openTestDatabase(servers, [profile]);
      onTestFinished(() => database.$client.end());
      await storeDocuments(database, corpus());
      const fleet = startFleet(servers, { profile: "mini-m3", chunking, workers: 3 });
      onTestFinished(() => fleet[Symbol.asyncDispose]());
      return { servers, database, registered: await readProfile(database, profile.name), fleet };
    }

    const untilShare = (database: Database, registered: RegisteredProfile, share: number) =>
      waitFor(`coverage of ${share}`, async () => (await readCoverage(database, registered)).coverage >= share);

    async function expectComplete(database: Database, registered: RegisteredProfile): Promise<void> {
      await waitFor(
        "the backfill to be complete",
        async () => (await readProfile(database, registered.name)).state === "complete",
        {
          timeoutMs: 60_000,
        },
      );
      const coverage = await readCoverage(database, registered);
      expect(coverage).toMatchObject({ coverage: 1, pending: 0, changes: 0, quarantined: 0 });
      const { rows } = await database.execute<{ wrong: number }>(sql`
        select count(*)::int as wrong from ${sql.raw(registered.relation)} c
        full join reembed.chunk_embeddings e on e.chunk_id = c.id and e.profile = ${registered.name}
        where e.content_hash is distinct from sha256(convert_to(c.content, 'UTF8'))`);
      expect(rows).toEqual([{ wrong: 0 }]);
    }

    test("one killed half-way: all is covered, and only what the kill explains is embedded twice", async () => {
      const { database, registered, fleet } = await startMigration();
      await untilShare(database, registered, 0.3);
      const killed = await fleet.killWorker(0);
      await expectComplete(database, registered);

      const { rows } = await database.execute<{ id: string }>(sql`select id from ${sql.raw(registered.relation)}`);
      const runs = fleet.embeddedChunks();
      const twice = [...runs].filter(([, times]) => times > 1);
      expect(runs.size).toBe(rows.length);
      expect(twice.every(([chunkId, times]) => times === 2 && killed.has(chunkId))).toBe(true);
      // What it had embedded and not stored: at most a micro-batch of each batch in its hands.
      expect(twice.length).toBeLessThanOrEqual(2 * 64);
      expect(killed.size).toBeGreaterThan(0);
    });

    test("the queue deleted half-way: the producer finds out by itself, and all is covered", async () => {
      const { servers, database, registered, fleet } = await startMigration();
      await untilShare(database, registered, 0.3);
      if (servers.queue.kind !== "redis") throw new Error("This test deletes a queue on Redis");
      const redis = new Redis(servers.queue.url);
      await redis.flushall();
      redis.disconnect();
      expect((await readCoverage(database, registered)).coverage).toBeLessThan(1);
      await expectComplete(database, registered);
      expect(fleet.exited()).toEqual([]);
    });
  },
  ["PostgreSQL and Redis"],
);
