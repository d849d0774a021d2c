import { createHash } from "node:crypto";
import { describeOnEachServer, openTestDatabase, storeBodies, testProfile } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { beforeAll, expect, test } from "vitest";
import { takeChanges } from "../changes/change-log.ts";
import type { Database } from "../database/database.ts";
import { type RegisteredProfile, readProfile } from "../profiles/profiles.ts";
import { startBackfill } from "../progress/backfill-state.ts";
import { readCoverage } from "../progress/coverage.ts";
import { type EmbeddedChunk, upsertEmbeddings } from "./embeddings.ts";
import { type PendingChunk, readPendingChunks } from "./pending.ts";

const m3 = testProfile("mini-m3");

function embed(chunk: PendingChunk): EmbeddedChunk {
  const vector = new Float32Array(m3.model.dimensions).fill(1 / 32);
  return { chunkId: chunk.id, contentHash: chunk.contentHash, vector, tokenCount: 7, truncatedTokens: 0 };
}

async function chunkIds(database: Database, profile: RegisteredProfile): Promise<number[]> {
  const { rows } = await database.execute<{ id: string }>(
    sql`select id from ${sql.raw(profile.relation)} where document_id in (select id from reembed.documents) order by id`,
  );
  return rows.map((row) => Number(row.id));
}

describeOnEachServer(
  "the guarded upsert",
  (open) => {
    let database: Database;
    let profile: RegisteredProfile;
    beforeAll(async () => {
      database = await openTestDatabase(await open(), [m3]);
      return () => database.$client.end();
    });

    async function fresh(bodies: readonly string[]): Promise<PendingChunk[]> {
      await database.execute(sql`delete from reembed.documents`);
      await storeBodies(database, bodies);
      profile = await readProfile(database, m3.name);
      if (profile.state === "registered") await startBackfill(database, profile);
      return await readPendingChunks(database, profile, await chunkIds(database, profile));
    }

    test("a vector is stored unchanged, with the hash of its chunk's text", async () => {
      const [chunk] = await fresh(["Зарплата выплачивается дважды в месяц."]);
      if (chunk === undefined) throw new Error("no chunk");
      const vector = Float32Array.from({ length: 1024 }, (_, index) => Math.fround(Math.sin(index) / 32));
      expect(await upsertEmbeddings(database, profile, [{ ...embed(chunk), vector }])).toEqual([chunk.id]);
      const { rows } = await database.execute<{ embedding: string; content_hash: Buffer; model_revision: string }>(
        sql`select embedding::text, content_hash, model_revision from reembed.chunk_embeddings`,
      );
      const halves = new Float16Array(vector);
      const stored = JSON.parse(rows[0]?.embedding ?? "") as number[];
      expect(stored.length).toBe(1024);
      // PostgreSQL prints the shortest decimals that give the same half-precision value.
      expect(new Float16Array(stored)).toEqual(halves);
      expect(rows[0]?.content_hash).toEqual(
        createHash("sha256").update("Зарплата выплачивается дважды в месяц.").digest(),
      );
      expect(rows[0]?.model_revision).toBe(m3.model.revision);
    });

    test("a vector of a text that was edited meanwhile is not stored, and the change stays", async () => {
      const chunks = await fresh(["first", "second"]);
      await database.execute(
        sql`update ${sql.raw(profile.relation)} set content = 'edited' where id = ${chunks[0]?.id}`,
      );
      expect(await upsertEmbeddings(database, profile, chunks.map(embed))).toEqual([chunks[1]?.id]);
      expect(await readCoverage(database, profile)).toMatchObject({ chunks: 2, embedded: 1, pending: 1, changes: 1 });
    });

    test("a chunk that was deleted meanwhile is skipped", async () => {
      const chunks = await fresh(["first", "second"]);
      await database.execute(sql`delete from ${sql.raw(profile.relation)} where id = ${chunks[0]?.id}`);
      expect(await upsertEmbeddings(database, profile, chunks.map(embed))).toEqual([chunks[1]?.id]);
    });

    test("writing the same batch twice leaves one vector for each chunk, and nothing is pending", async () => {
      const chunks = await fresh(["first", "second", "third"]);
      await upsertEmbeddings(database, profile, chunks.map(embed));
      await upsertEmbeddings(database, profile, chunks.map(embed));
      expect(await readCoverage(database, profile)).toMatchObject({ embedded: 3, pending: 0, coverage: 1 });
      expect(
        await readPendingChunks(
          database,
          profile,
          chunks.map((chunk) => chunk.id),
        ),
      ).toEqual([]);
    });

    test("an edit is pending at once, even if the profile was read before its backfill began", async () => {
      const [chunk] = await fresh(["first"]);
      if (chunk === undefined) throw new Error("no chunk");
      await upsertEmbeddings(database, profile, [embed(chunk)]);
      await database.execute(sql`update ${sql.raw(profile.relation)} set content = 'edited' where id = ${chunk.id}`);
      const longAgo = { ...profile, state: "registered" as const };
      expect(await readCoverage(database, longAgo)).toMatchObject({ embedded: 0, changes: 1, pending: 1 });
    });

    test("the change of a reverted edit is removed without a new vector", async () => {
      const [chunk] = await fresh(["first"]);
      if (chunk === undefined) throw new Error("no chunk");
      await upsertEmbeddings(database, profile, [embed(chunk)]);
      for (const content of ["edited", "first"]) {
        await database.execute(
          sql`update ${sql.raw(profile.relation)} set content = ${content} where id = ${chunk.id}`,
        );
      }
      expect(await readCoverage(database, profile)).toMatchObject({ changes: 1, pending: 1 });
      await takeChanges(database);
      expect(await readCoverage(database, profile)).toMatchObject({ changes: 1, pending: 1 });
      expect(await readPendingChunks(database, profile, [chunk.id])).toEqual([]);
      expect(await readCoverage(database, profile)).toMatchObject({ changes: 0, pending: 0 });
    });

    test("vectors of another length are refused by the database", async () => {
      const [chunk] = await fresh(["first"]);
      if (chunk === undefined) throw new Error("no chunk");
      const vector = new Float32Array(312).fill(1);
      await expect(upsertEmbeddings(database, profile, [{ ...embed(chunk), vector }])).rejects.toThrow();
    });
  },
  ["embedded", "PostgreSQL", "PostgreSQL, in another schema"],
);

// Locks need separate sessions, but PGlite has one for all connections.
describeOnEachServer(
  "upserts with concurrent transactions",
  (open) => {
    let database: Database;
    let profile: RegisteredProfile;
    beforeAll(async () => {
      database = await openTestDatabase(await open(), [m3]);
      await storeBodies(
        database,
        Array.from({ length: 4_000 }, (_, index) => `text number ${index} `.repeat(80)),
      );
      await startBackfill(database, await readProfile(database, m3.name));
      profile = await readProfile(database, m3.name);
      return () => database.$client.end();
    });

    test("four workers that upsert shuffled, overlapping batches see no deadlock", async () => {
      // With many long chunks, the rows of a batch are locked one by one in the given order: without an explicit order the
      // statement deadlocked in 3 of 3 runs.
      await database.execute(sql`analyze`);
      const hot = (await chunkIds(database, profile)).slice(0, 200);
      const chunks = await readPendingChunks(database, profile, hot);
      const shuffled = () => chunks.map((chunk) => ({ chunk, key: Math.random() })).sort((a, b) => a.key - b.key);
      const worker = async () => {
        for (let round = 0; round < 20; round++) {
          const batch = shuffled().slice(0, 64);
          await upsertEmbeddings(
            database,
            profile,
            batch.map(({ chunk }) => embed(chunk)),
          );
        }
      };
      await Promise.all([worker(), worker(), worker(), worker()]);
      const { rows } = await database.execute<{ deadlocks: string }>(
        sql`select deadlocks from pg_stat_database where datname = current_database()`,
      );
      expect(Number(rows[0]?.deadlocks)).toBe(0);
    });
  },
  ["PostgreSQL", "PostgreSQL, in another schema"],
);
