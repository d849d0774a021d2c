import { describeOnEachServer, HashingEmbedder, openTestDatabase, testProfile } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { beforeAll, describe, expect, test } from "vitest";
import { storeDocuments } from "../corpus/documents.ts";
import type { Database } from "../database/database.ts";
import { upsertEmbeddings } from "../embeddings/embeddings.ts";
import { readPendingChunks } from "../embeddings/pending.ts";
import { type RegisteredProfile, readProfile } from "../profiles/profiles.ts";
import type { AnnSettings } from "../schema/profiles.ts";
import { searchProfile } from "./ann-search.ts";
import { searchExactly } from "./exact-search.ts";

const rubert = testProfile("mini-rubert");
const embedder = new HashingEmbedder({ model: rubert.model, microBatchSize: 1_000 });
const partition = sql.raw(`reembed."chunk_embeddings_${rubert.name}"`);
const measured = { recall10: 1, targetRecall: 0.95, sample: 1, measuredAt: "2026-01-01T00:00:00Z" };

async function embed(texts: readonly string[]): Promise<Float32Array[]> {
  const outcomes = await Array.fromAsync(embedder.embed(texts, { as: "passage" }));
  return outcomes.flat().map((outcome) => ("vector" in outcome ? outcome.vector : new Float32Array()));
}

/** Every fiftieth document is English, and has another owner. */
async function openCorpus(database: Database, count: number): Promise<RegisteredProfile> {
  const documents = Array.from({ length: count }, (_, index) => ({
    uri: `text-${index}`,
    title: `Text ${index}`,
    language: index % 50 === 0 ? "en" : "ru",
    body: `text number ${index}`,
    metadata: { owner: { name: index % 50 === 0 ? "O'Neil \"; drop" : "all" }, tags: [`${index % 3}`, "any"] },
  }));
  await storeDocuments(database, documents);
  const profile = await readProfile(database, rubert.name);
  const { rows } = await database.execute<{ id: string }>(sql`select id from ${sql.raw(profile.relation)}`);
  const pending = await readPendingChunks(
    database,
    profile,
    rows.map((row) => Number(row.id)),
  );
  const vectors = await embed(pending.map(({ content }) => content));
  const embedded = pending.map(({ id, contentHash }, index) => ({
    chunkId: id,
    contentHash,
    vector: vectors[index] ?? new Float32Array(),
    tokenCount: 5,
    truncatedTokens: 0,
  }));
  await upsertEmbeddings(database, profile, embedded);
  return profile;
}

describeOnEachServer(
  "a search",
  (open, kind) => {
    let database: Database;
    let profile: RegisteredProfile;
    const count = kind === "embedded" ? 200 : 2_000;
    beforeAll(async () => {
      // A single connection: a setting that a search leaves on its session would affect the next search.
      database = await openTestDatabase(await open(), [rubert], 1);
      profile = await openCorpus(database, count);
      return () => database.$client.end();
    });
    const vectorOf = async (text: string) => (await embed([text]))[0] ?? new Float32Array();

    test("is exact while no index has been measured, and filters by language and metadata", async () => {
      const vector = await vectorOf("text number 100");
      const options = { limit: 10, threshold: -1 };
      const all = await searchProfile(database, profile, vector, options);
      expect(all).toEqual(await searchExactly(database, profile, vector, options));
      expect(all[0]).toMatchObject({ uri: "text-100", content: "text number 100" });
      const metadata = { owner: { name: "O'Neil \"; drop" }, tags: ["1"] };
      const found = await searchProfile(database, profile, vector, {
        ...options,
        limit: count,
        filter: { language: "en", metadata },
      });
      const expected = Array.from({ length: count / 50 }, (_, index) => index * 50).filter((index) => index % 3 === 1);
      expect(found.map(({ uri }) => uri).sort()).toEqual(expected.map((index) => `text-${index}`).sort());
      expect(
        await searchProfile(database, profile, vector, { ...options, filter: { language: "en' or 1=1" } }),
      ).toEqual([]);
    });

    test("finds a chunk with an unknown document, unless there is a filter", async () => {
      const view = sql.raw('reembed."orphans"');
      await database.execute(sql`
        create view ${view} as select id, case when id % 2 = 0 then document_id end as document_id, position,
          start_offset, end_offset, content from ${sql.raw(profile.relation)}`);
      const adopted = { ...profile, relation: 'reembed."orphans"' };
      const vector = await vectorOf("text number 7");
      const found = await searchProfile(database, adopted, vector, { limit: 50 });
      expect(found.length).toBe(50);
      const unknown = found.filter(({ documentId }) => documentId === null);
      expect(unknown.length).toBeGreaterThan(5);
      expect(unknown[0]).toMatchObject({ uri: "", title: "", content: expect.stringContaining("text number") });
      const filtered = await searchProfile(database, adopted, vector, { limit: 50, filter: { metadata: {} } });
      expect(filtered.map(({ documentId }) => documentId)).not.toContain(null);
      expect(filtered.length).toBe(50);
    });

    describe.skipIf(kind === "embedded")("through an index", () => {
      const withIndex = (kind: AnnSettings["kind"], searchSetting: number) => ({
        ...profile,
        ann: { kind, searchSetting, ...measured },
      });
      /** Mean recall of the first ten results against exact search. */
      async function recall(searched: RegisteredProfile): Promise<number> {
        let hits = 0;
        for (const vector of await embed(Array.from({ length: 20 }, (_, index) => `query ${index}`))) {
          const exact = await searchExactly(database, profile, vector, { limit: 10 });
          const found = await searchProfile(database, searched, vector, { limit: 10 });
          expect(found.length).toBe(10);
          expect(found.map(({ score }) => score)).toEqual(found.map(({ score }) => score).toSorted((a, b) => b - a));
          // Compared by score, because many of these vectors have the same distance.
          const least = exact.at(-1)?.score ?? Number.NaN;
          hits += found.filter(({ score }) => score >= least).length;
        }
        return hits / 200;
      }
      const setting = async (name: string) => {
        const { rows } = await database.execute<{ value: string }>(sql`select current_setting(${name}) as value`);
        return rows[0]?.value;
      };

      test.for([
        { kind: "hnsw", build: "hnsw ((embedding::halfvec(312)) halfvec_cosine_ops)", width: "hnsw.ef_search" },
        {
          kind: "ivfflat",
          build: "ivfflat ((embedding::halfvec(312)) halfvec_cosine_ops) with (lists = 40)",
          width: "ivfflat.probes",
        },
      ] as const)("$kind is searched as widely as was measured, and leaves no setting behind", async (index) => {
        await database.execute(
          sql.raw(`create index by_test on reembed."chunk_embeddings_${rubert.name}" using ${index.build}`),
        );
        await database.execute(sql`analyze ${partition}`);
        const before = await setting(index.width);
        const narrow = await recall(withIndex(index.kind, 1));
        const wide = await recall(withIndex(index.kind, index.kind === "hnsw" ? 400 : 40));
        expect(narrow).toBeLessThan(0.8);
        expect(wide).toBeGreaterThan(0.95);
        expect(await setting(index.width)).toBe(before);
        expect(await setting(`${index.kind}.iterative_scan`)).toBe("off");

        // Fewer than a fiftieth of the rows match, and still there are as many results as requested.
        const rare = { limit: 15, filter: { language: "en" } };
        const found = await searchProfile(database, withIndex(index.kind, 10), await vectorOf("query"), rare);
        expect(found.length).toBe(15);

        await database.execute(sql`drop index reembed.by_test`);
        expect(await recall(withIndex(index.kind, 1))).toBe(1);
      });
    });
  },
  ["embedded", "PostgreSQL", "PostgreSQL, in another schema"],
);
