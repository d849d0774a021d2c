import { describeOnEachServer, openTestDatabase, storeBodies, testProfile } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { beforeAll, expect, test } from "vitest";
import type { Database } from "../database/database.ts";
import { upsertEmbeddings } from "../embeddings/embeddings.ts";
import { readPendingChunks } from "../embeddings/pending.ts";
import { type RegisteredProfile, readProfile } from "../profiles/profiles.ts";
import { searchExactly } from "./exact-search.ts";

const m3 = testProfile("mini-m3");
const rubert = testProfile("mini-rubert");
const topics = ["зарплата", "отпуск", "больничный", "командировка"];
const count = 40;

/** A vector of length 1 in the plane of the first two dimensions. */
function atAngle(degrees: number, dimensions = m3.model.dimensions): Float32Array {
  const vector = new Float32Array(dimensions);
  vector[0] = Math.cos((degrees * Math.PI) / 180);
  vector[1] = Math.sin((degrees * Math.PI) / 180);
  return vector;
}

async function embedAll(
  database: Database,
  profile: RegisteredProfile,
  vectorOf: (index: number) => Float32Array,
): Promise<number[]> {
  const { rows } = await database.execute<{ id: string }>(sql`
    select c.id from ${sql.raw(profile.relation)} c join reembed.documents d on d.id = c.document_id
    order by length(d.uri), d.uri`);
  const ids = rows.map((row) => Number(row.id));
  const pending = await readPendingChunks(database, profile, ids);
  const embedded = pending.map(({ id, contentHash }) => ({
    chunkId: id,
    contentHash,
    vector: vectorOf(ids.indexOf(id)),
    tokenCount: 7,
    truncatedTokens: 0,
  }));
  await upsertEmbeddings(database, profile, embedded);
  return ids;
}

describeOnEachServer(
  "exact search",
  (open) => {
    let database: Database;
    let profile: RegisteredProfile;
    let ids: number[];
    beforeAll(async () => {
      // A single connection, so that a setting of the test's session also applies to its search.
      database = await openTestDatabase(await open(), [m3, rubert], 1);
      await storeBodies(
        database,
        Array.from({ length: count }, (_, index) => `😀 ${topics[index % topics.length]} ${index}`),
      );
      profile = await readProfile(database, m3.name);
      // The texts are two degrees apart.
      ids = await embedAll(database, profile, (index) => atAngle(2 * index));
      await embedAll(database, await readProfile(database, rubert.name), () => atAngle(0, 312));
      return () => database.$client.end();
    });

    test("the nearest chunk comes first, with its place in its document and the cosine of the angle", async () => {
      const [first, second, ...others] = await searchExactly(database, profile, atAngle(10.5), { limit: 3 });
      expect(first).toMatchObject({
        chunkId: ids[5],
        uri: "text-5",
        title: "Text 5",
        content: "😀 отпуск 5",
        start: 0,
        end: 10,
      });
      // Half precision has 11 bits.
      expect(first?.score).toBeCloseTo(Math.cos((0.5 * Math.PI) / 180), 3);
      expect(second?.uri).toBe("text-6");
      expect(others.map(({ uri }) => uri)).toEqual(["text-4"]);
    });

    test("a threshold excludes chunks beyond its angle, even if there are fewer results than the limit", async () => {
      const within = (degrees: number) => ({ limit: count, threshold: Math.cos((degrees * Math.PI) / 180) });
      const results = await searchExactly(database, profile, atAngle(40), within(5));
      expect(results.map(({ uri }) => uri).sort()).toEqual(["text-18", "text-19", "text-20", "text-21", "text-22"]);
      expect(await searchExactly(database, profile, atAngle(180), within(90))).toEqual([]);
    });

    test("without a threshold even the opposite vector is found", async () => {
      const results = await searchExactly(database, profile, atAngle(180), { limit: count });
      expect(results.length).toBe(count);
      expect(results.at(-1)).toMatchObject({ uri: "text-0", score: -1 });
    });

    test("chunks with equal scores are ordered by id", async () => {
      const same = await readProfile(database, rubert.name);
      const results = await searchExactly(database, same, atAngle(30, 312), { limit: count });
      expect(results.length).toBe(count);
      expect(results.map(({ chunkId }) => chunkId)).toEqual(
        results.map(({ chunkId }) => chunkId).toSorted((a, b) => a - b),
      );
    });

    test("a vector of another model's length is refused by the database", async () => {
      await expect(searchExactly(database, profile, atAngle(0, 312), { limit: 3 })).rejects.toThrow();
    });

    test("an approximate index is not used, even if the planner must not read the table", async () => {
      const partition = sql.raw(`reembed."chunk_embeddings_${m3.name}"`);
      await database.execute(
        sql`create index on ${partition} using hnsw ((embedding::halfvec(1024)) halfvec_cosine_ops)`,
      );
      // An index scan with one candidate finds one result; it would find all of them only by chance.
      for (const setting of ["enable_seqscan = off", "enable_sort = off", "hnsw.ef_search = 1"]) {
        await database.execute(sql.raw(`set ${setting}`));
      }
      const query = JSON.stringify([...atAngle(10.5)]);
      const approximate = await database.execute(sql`
        select chunk_id from ${partition}
        order by embedding::halfvec(1024) <=> ${query}::halfvec(1024) limit 10`);
      expect(approximate.rows.length).toBeLessThan(10);
      expect((await searchExactly(database, profile, atAngle(10.5), { limit: 10 })).length).toBe(10);
    });
  },
  ["embedded", "PostgreSQL"],
);
