import { describeOnEachServer, openTestDatabase, testProfile } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { beforeAll, expect, test } from "vitest";
import type { Database } from "../database/database.ts";
import { type RegisteredProfile, readProfile } from "../profiles/profiles.ts";
import {
  analyzeVectors,
  annIndexName,
  createAnnIndex,
  dropAnnIndex,
  openSession,
  readAnnIndex,
  readBuildGround,
} from "./ann-index.ts";
import { findExactRadii, measureIndexRecall } from "./ann-recall.ts";

const rubert = testProfile("mini-rubert");
const shapes = [
  { kind: "hnsw", m: 8, efConstruction: 32 },
  { kind: "ivfflat", lists: 20 },
] as const;
const resources = { memoryBytes: 64 * 2 ** 20, parallelWorkers: 1 };
/** More than a page of an exact search. */
const vectors = 1_500;

describeOnEachServer(
  "the ANN index",
  (open) => {
    let database: Database;
    let profile: RegisteredProfile;
    const partition = sql.raw(`reembed."chunk_embeddings_${rubert.name}"`);
    beforeAll(async () => {
      database = await openTestDatabase(await open(), [rubert]);
      profile = await readProfile(database, rubert.name);
      await database.execute(
        sql`insert into reembed.documents (uri, title, language, body) values ('a', '', 'ru', 'a')`,
      );
      await database.execute(sql`
        insert into ${sql.raw(profile.relation)} (chunking, document_id, position, start_offset, end_offset, content)
        select ${profile.chunking}, d.id, n, 0, 1, n::text from reembed.documents d, generate_series(1, ${vectors}::int) n`);
      await database.execute(sql`
        insert into ${partition} (profile, chunk_id, content_hash, embedding, model_revision)
        select ${profile.name}, id, '', (
          select array_agg(random() - 0.5) from generate_series(1, 312) n where n <> -id
        )::vector::halfvec, '' from ${sql.raw(profile.relation)}`);
      return () => database.$client.end();
    });

    test.for(shapes)(
      "a search of an $kind index finds more with a higher setting, and finally everything",
      async (shape) => {
        await using session = await openSession(database);
        expect(await readAnnIndex(database, profile)).toMatchObject({ exists: false, valid: false, building: null });
        await createAnnIndex(session, profile, shape, resources);
        const { kind } = shape;
        const index = await readAnnIndex(database, profile);
        expect(index).toMatchObject({ exists: true, valid: true, kind, building: null });
        expect(index.options).toEqual(kind === "hnsw" ? { m: 8, ef_construction: 32 } : { lists: 20 });
        expect(index.sizeBytes).toBeGreaterThan(vectors * 2 * 312);

        const { rows } = await database.execute<{ id: string }>(
          sql`select chunk_id as id from ${partition} order by random() limit 20`,
        );
        const chunkIds = rows.map((row) => Number(row.id));
        const radii = await findExactRadii(database, profile, chunkIds, { k: 10, onPage: () => {} });
        const at = (searchSetting: number) =>
          measureIndexRecall(database, profile, { kind, searchSetting, k: 10 }, radii);
        // With one candidate, or one list of twenty, only a search through this index finds so little.
        expect(await at(1)).toBeLessThan(0.5);
        expect(await at(kind === "hnsw" ? 1_000 : 20)).toBeGreaterThan(0.95);
        await dropAnnIndex(session, profile);
        expect((await readAnnIndex(database, profile)).exists).toBe(false);
      },
    );

    test("it is used by searches with the same expression, on its partition and through the parent, but not by exact ones", async () => {
      await using session = await openSession(database);
      const [shape] = shapes;
      await createAnnIndex(session, profile, shape, resources);
      await analyzeVectors(session, profile);
      const planOf = async (from: string, distance: string) => {
        const { rows } = await session.execute<{ "QUERY PLAN": string }>(
          sql.raw(`
          explain select chunk_id from ${from} order by ${distance} limit 10`),
        );
        return rows.map((row) => row["QUERY PLAN"]).join("\n");
      };
      await session.execute(sql`set enable_seqscan = off`);
      const query = `array_fill(0.1, array[312])::halfvec(312)`;
      const own = `reembed."chunk_embeddings_${profile.name}"`;
      const parent = `reembed.chunk_embeddings where profile = '${profile.name}'`;
      const written = `embedding::halfvec(312) <=> ${query}`;
      for (const from of [own, parent]) {
        expect(await planOf(from, written)).toContain(annIndexName(profile));
        expect(await planOf(from, `embedding <=> ${query}`)).not.toContain(annIndexName(profile));
      }
      await dropAnnIndex(session, profile);
    });

    test("the radius of an exact search is the distance to the tenth nearest other vector over all pages; a zero vector has none", async () => {
      const { rows } = await database.execute<{ chunk_id: string; distance: number }>(sql`
        select o.chunk_id, (
          select e.embedding <=> o.embedding as distance from ${partition} e
          where e.chunk_id <> o.chunk_id order by distance limit 1 offset 9) as distance
        from (select * from ${partition} order by random() limit 8) o order by o.chunk_id`);
      const wanted = rows.map((row) => ({ chunkId: Number(row.chunk_id), distance: row.distance }));
      const chunkIds = wanted.map(({ chunkId }) => chunkId);
      const pages: number[] = [];
      const onPage = (seen: number) => void pages.push(seen);
      expect(await findExactRadii(database, profile, chunkIds, { k: 10, onPage })).toEqual(wanted);
      expect(pages).toEqual([1_000, 1_500]);

      const [zero, ...others] = wanted;
      const zeros = sql`array_fill(0, array[312])::real[]::vector::halfvec`;
      await database.execute(sql`update ${partition} set embedding = ${zeros} where chunk_id = ${zero?.chunkId}`);
      const left = await findExactRadii(database, profile, chunkIds, { k: 10, onPage });
      expect(left.map(({ chunkId }) => chunkId)).toEqual(others.map(({ chunkId }) => chunkId));
    });

    test("the conditions of a build are read from the server", async () => {
      const ground = await readBuildGround(database, profile);
      expect(ground).toMatchObject({ vectors, host: "127.0.0.1" });
      expect(ground.sharedBuffersBytes).toBeGreaterThan(0);
      expect(ground.maintenanceWorkMemBytes).toBeGreaterThan(0);
    });
  },
  ["PostgreSQL"],
);
