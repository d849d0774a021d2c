import { describeOnEachServer, openTestDatabase, storeBodies, testProfile } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { beforeAll, beforeEach, expect, test } from "vitest";
import { insertChunks } from "../../test/insert-chunks.ts";
import { type Database, openDatabase } from "../database/database.ts";
import { type RegisteredProfile, readProfile } from "../profiles/profiles.ts";
import type { AnnSettings } from "../schema/profiles.ts";
import { searchProfile } from "./ann-search.ts";
import { searchExactly } from "./exact-search.ts";
import type { SearchFilter } from "./search-results.ts";

const rubert = testProfile("mini-rubert");
const dimensions = rubert.model.dimensions;
const partition = `reembed."chunk_embeddings_${rubert.name}"`;
const chunks = 3_000;
const limit = 15;
const topics = 20;
const measured = { recall10: 1, targetRecall: 0.95, sample: 1, measuredAt: "2026-01-01T00:00:00Z" };

/** A unit vector near one of the corpus' two regions. */
function near(region: "here" | "there"): Float32Array {
  const axis = region === "here" ? 0 : 1;
  return Float32Array.from({ length: dimensions }, (_, index) => (index === axis ? 1 : 0));
}

/**
 * Russian texts are in one region and English ones, a tenth, in another; one in a thousand chunks has a rare tag. Gives each
 * document one chunk, whose vector is its region's with noise.
 */
async function fill(database: Database): Promise<void> {
  await storeBodies(database, ["a"]);
  const profile = await readProfile(database, rubert.name);
  const tag = sql`jsonb_build_object('tag', case when n % 1000 = 7 then 'rare' when n % 3 = 0 then 'third' else 'other' end)`;
  await insertChunks(database, profile, chunks, tag);
  await database.execute(sql`
    insert into ${sql.raw(partition)} (profile, chunk_id, content_hash, embedding, model_revision)
    select ${rubert.name}, c.id, '', (
      select array_agg(case when axis = (case when d.language = 'en' then 2 else 1 end) then 1 else 0.03 * (random() - 0.5 + 0 * c.id) end)
      from generate_series(1, ${dimensions}::int) axis
    )::vector::halfvec, '' from ${sql.raw(profile.relation)} c join reembed.documents d on d.id = c.document_id where d.uri like 'd%'`);
  await database.execute(sql.raw(`analyze ${partition}`));
}

/** As real texts lie: in each region around topics, each in a direction of its own. */
async function gatherAroundTopics(database: Database): Promise<void> {
  await database.execute(sql`
    update ${sql.raw(partition)} e set embedding = (
      select array_agg(case when axis = (case when d.language = 'en' then 2 else 1 end) then 1 else 0 end
        + 0.08 * sin((e.chunk_id / 10 % ${topics}) * axis * 0.7231) + 0.1 * (random() - 0.5))
      from generate_series(1, ${dimensions}::int) axis
    )::vector::halfvec
    from ${sql.raw(`reembed."chunks_1500-150"`)} c join reembed.documents d on d.id = c.document_id
    where c.id = e.chunk_id`);
}

/** Another pool on the same database, whose sessions have these settings. */
function openNarrow(database: Database, settings: readonly string[]): Database & AsyncDisposable {
  const address = new URL(database.$client.options.connectionString ?? "");
  address.searchParams.set("options", settings.map((setting) => `-c ${setting.replaceAll(" ", "")}`).join(" "));
  const narrow = openDatabase({ connectionString: address.href, maxConnections: 1 });
  return Object.assign(narrow, { [Symbol.asyncDispose]: () => narrow.$client.end() });
}

describeOnEachServer(
  "a filtered search",
  (open) => {
    let database: Database;
    let profile: RegisteredProfile;
    beforeAll(async () => {
      database = await openTestDatabase(await open(), [rubert]);
      await fill(database);
      profile = await readProfile(database, rubert.name);
      return () => database.$client.end();
    });
    beforeEach(() => database.execute(sql`drop index if exists reembed.by_test`));

    test.for([
      { kind: "hnsw", build: "hnsw", searchSetting: 40, short: "hnsw.max_scan_tuples = 100" },
      { kind: "ivfflat", build: "ivfflat", searchSetting: 1, short: "ivfflat.max_probes = 1" },
    ] as const)("is never short where rows exist, with $kind, however soon the index gives up", async (index) => {
      const ann: AnnSettings = { kind: index.kind, searchSetting: index.searchSetting, ...measured };
      const options = index.kind === "ivfflat" ? "with (lists = 20)" : "";
      await database.execute(
        sql.raw(
          `create index by_test on ${partition} using ${index.build} ((embedding::halfvec(${dimensions})) halfvec_cosine_ops) ${options}`,
        ),
      );
      const filters = [
        { language: "en" },
        { language: "ru" },
        { metadata: { tag: "rare" } },
        { metadata: { tag: "third" } },
        { language: "en", metadata: { tag: "third" } },
      ];
      // Settings of the session: the planner can only use the index, which stops at once.
      await using narrow = openNarrow(database, [index.short, "enable_sort = off", "jit = off"]);
      for (const region of ["here", "there"] as const) {
        for (const filter of filters) {
          const exact = await searchExactly(database, profile, near(region), { limit, filter });
          const found = await searchProfile(narrow, { ...profile, ann }, near(region), { limit, filter });
          expect({ region, filter, found: found.length }).toEqual({ region, filter, found: exact.length });
          // Results of an index need only be near enough; only if it finds too few are the matching rows searched exactly.
          if (exact.length < limit) expect(found).toEqual(exact);
        }
      }
    });

    test("reads all lists of IVFFlat for rows that are far from the query, because the nearest may be in any", async () => {
      await database.execute(
        sql.raw(
          `create index by_test on ${partition} using ivfflat ((embedding::halfvec(${dimensions})) halfvec_cosine_ops) with (lists = 20)`,
        ),
      );
      const indexed = { ...profile, ann: { kind: "ivfflat" as const, searchSetting: 4, ...measured } };
      await using narrow = openNarrow(database, ["enable_sort = off", "jit = off"]);
      const options = { limit, filter: { language: "ru" } };
      const exact = await searchExactly(database, profile, near("there"), options);
      const found = await searchProfile(narrow, indexed, near("there"), options);
      expect(found.map(({ chunkId }) => chunkId)).toEqual(exact.map(({ chunkId }) => chunkId));
    });

    test("finds what an exact search finds, with a rare and a frequent filter, near the matching rows and far from them", async () => {
      await gatherAroundTopics(database);
      await database.execute(
        sql.raw(
          `create index by_test on ${partition} using hnsw ((embedding::halfvec(${dimensions})) halfvec_cosine_ops)`,
        ),
      );
      const indexed = { ...profile, ann: { kind: "hnsw" as const, searchSetting: 40, ...measured } };
      // The planner must choose the index.
      await using narrow = openNarrow(database, ["enable_sort = off", "jit = off"]);
      const recallOf = async (region: "here" | "there", filter?: SearchFilter) => {
        let [wanted, hits] = [0, 0];
        for (let topic = 0; topic < topics; topic++) {
          const query = near(region).map((value, index) => value + 0.08 * Math.sin(topic * (index + 1) * 0.7231));
          const exact = await searchExactly(database, profile, query, { limit, filter });
          const found = await searchProfile(narrow, indexed, query, { limit, filter });
          const ids = new Set(found.map(({ chunkId }) => chunkId));
          wanted += exact.length;
          hits += exact.filter(({ chunkId }) => ids.has(chunkId)).length;
        }
        return hits / wanted;
      };
      const recalls = {
        rare: await recallOf("here", { metadata: { tag: "rare" } }),
        frequent: await recallOf("here", { metadata: { tag: "third" } }),
        near: await recallOf("here", { language: "ru" }),
        far: await recallOf("there", { language: "ru" }),
        none: await recallOf("here"),
      };
      // So few rows are compared exactly.
      expect(recalls.rare).toBe(1);
      const { frequent, near: close, far, none } = recalls;
      expect(Math.min(frequent, close, far), JSON.stringify(recalls)).toBeGreaterThanOrEqual(0.97);
      expect(none).toBeGreaterThan(0.9);
    });

    test("without a filter has no missing results if vectors have lost their chunks, as in an adopted table", async () => {
      await database.execute(
        sql.raw(`create view reembed.some as select * from ${profile.relation} where id % 20 = 0`),
      );
      await database.execute(
        sql.raw(
          `create index by_test on ${partition} using hnsw ((embedding::halfvec(${dimensions})) halfvec_cosine_ops)`,
        ),
      );
      const types = { idTypes: ["bigint"], documentType: "text", numbered: false };
      const source = { ...types, table: "reembed.some", id: ["id"], content: "content", embedding: "" };
      const adopted = {
        ...profile,
        relation: "reembed.some",
        source,
        ann: { kind: "hnsw" as const, searchSetting: 40, ...measured },
      };
      const found = await searchProfile(database, adopted, near("here"), { limit });
      expect(found.length).toBe(limit);
      expect(found.every(({ chunkId }) => chunkId % 20 === 0)).toBe(true);
    });

    test("returns the nearest of the index's candidates, and not the first", async () => {
      // The index stores vectors of length 1 in 16-bit numbers. In the direction of the query, these forty become the same:
      // each is a little nearer than the one before, which the index does not know.
      await database.execute(sql`
        update ${sql.raw(partition)} e set embedding = (
          select array_agg(case axis when 1 then 1 when 2 then 0.5 when 3 then 0.0024 * sqrt(41 - place) else 0 end)
          from generate_series(1, ${dimensions}::int) axis
        )::vector::halfvec
        from (
          select c.id, row_number() over (order by c.id) as place
          from ${sql.raw(profile.relation)} c join reembed.documents d on d.id = c.document_id
          where d.language = 'ru' and d.uri like 'd%' order by c.id limit 40
        ) chosen where e.chunk_id = chosen.id`);
      await database.execute(
        sql.raw(
          `create index by_test on ${partition} using ivfflat ((embedding::halfvec(${dimensions})) halfvec_cosine_ops) with (lists = 20)`,
        ),
      );
      const indexed = { ...profile, ann: { kind: "ivfflat" as const, searchSetting: 20, ...measured } };
      await using narrow = openNarrow(database, ["enable_sort = off", "jit = off"]);
      const options = { limit, filter: { language: "ru" } };
      const exact = await searchExactly(database, profile, near("there"), options);
      const found = await searchProfile(narrow, indexed, near("there"), options);
      expect(found.map(({ chunkId }) => chunkId)).toEqual(exact.map(({ chunkId }) => chunkId));
    });
  },
  ["PostgreSQL"],
);
