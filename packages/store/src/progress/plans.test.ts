import { describeOnEachServer, openTestDatabase, storeBodies, testProfile } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { beforeAll, expect, test } from "vitest";
import { insertChunks } from "../../test/insert-chunks.ts";
import { takeChanges } from "../changes/change-log.ts";
import { readDueChanges } from "../changes/changes.ts";
import { sweepBlock } from "../changes/sweep.ts";
import { type Database, openDatabase } from "../database/database.ts";
import { removeExpired } from "../database/retention.ts";
import { sampleVectorIds } from "../embeddings/read-vectors.ts";
import { readLoggedQueries } from "../evaluation/logged-queries.ts";
import { type RegisteredProfile, readProfile } from "../profiles/profiles.ts";
import { searchProfile } from "../search/ann-search.ts";
import { checkVectors, findOrphans } from "../verification/verification-checks.ts";
import { startBackfill } from "./backfill-state.ts";

const rubert = testProfile("mini-rubert");
const dimensions = rubert.model.dimensions;
const partition = `reembed."chunk_embeddings_${rubert.name}"`;
const chunks = 12_000;

interface PlanNode {
  "Node Type": string;
  "Relation Name"?: string;
  "Index Name"?: string;
  "Actual Rows"?: number;
  Plans?: PlanNode[];
}

/** How a plan reads each relation: `Seq Scan on chunks_1500-150`, `Index Scan on … by …`. */
function scansOf(node: PlanNode): string[] {
  const own = node["Relation Name"] ?? node["Index Name"];
  const by = node["Index Name"] === undefined || node["Index Name"] === own ? "" : ` by ${node["Index Name"]}`;
  const scan = own === undefined ? [] : [`${node["Node Type"]} on ${own}${by}`];
  return [...scan, ...(node.Plans ?? []).flatMap(scansOf)];
}

/** A pool whose server reports the actual plan of every statement. */
async function openExplained(database: Database): Promise<Database & AsyncDisposable & { plans: PlanNode[] }> {
  const address = new URL(database.$client.options.connectionString ?? "");
  const settings = ["session_preload_libraries=auto_explain", "auto_explain.log_min_duration=0", "jit=off"];
  settings.push("auto_explain.log_format=json", "auto_explain.log_analyze=on", "client_min_messages=log");
  address.searchParams.set("options", settings.map((setting) => `-c ${setting}`).join(" "));
  const explained = openDatabase({ connectionString: address.href, maxConnections: 1 });
  const plans: PlanNode[] = [];
  explained.$client.on("connect", (client) =>
    client.on("notice", ({ message = "" }) => {
      const [, json] = message.match(/plan:\n(.*)$/s) ?? [];
      if (json !== undefined) plans.push((JSON.parse(json) as { Plan: PlanNode }).Plan);
    }),
  );
  // The first statements of a session are not to be recorded.
  await explained.execute(sql`select 1`);
  plans.length = 0;
  return Object.assign(explained, { plans, [Symbol.asyncDispose]: () => explained.$client.end() });
}

/** Fills a corpus that is vacuumed and analysed, as autovacuum leaves one. */
async function fill(database: Database): Promise<void> {
  await storeBodies(database, ["a"]);
  const profile = await readProfile(database, rubert.name);
  await startBackfill(database, profile);
  await insertChunks(database, profile, chunks);
  await database.execute(sql`
    insert into ${sql.raw(partition)} (profile, chunk_id, content_hash, embedding, model_revision)
    select ${rubert.name}, id, sha256(convert_to(content, 'UTF8')), (
      select array_agg(random() - 0.5) from generate_series(1, ${dimensions}::int) n where n <> -c.id
    )::vector::halfvec, '' from ${sql.raw(profile.relation)} c`);
  await database.execute(
    sql.raw(
      `create index by_test on ${partition} using ivfflat ((embedding::halfvec(${dimensions})) halfvec_cosine_ops) with (lists = 50)`,
    ),
  );
  await database.execute(sql.raw(`analyze ${profile.relation}`));
  await database.execute(sql.raw(`analyze ${partition}`));
  await database.execute(sql`analyze reembed.documents`);
  await takeChanges(database);
  await database.execute(sql`analyze reembed.chunk_changes`);
}

describeOnEachServer(
  "the plan",
  (open) => {
    let database: Database;
    let profile: RegisteredProfile;
    beforeAll(async () => {
      database = await openTestDatabase(await open(), [rubert]);
      await fill(database);
      profile = await readProfile(database, rubert.name);
      return () => database.$client.end();
    });

    async function scansIn(
      work: (explained: Database, profile: RegisteredProfile) => Promise<unknown>,
    ): Promise<string[]> {
      await using explained = await openExplained(database);
      await work(explained, profile);
      expect(explained.plans.length).toBeGreaterThan(0);
      return explained.plans.flatMap(scansOf);
    }
    const indexed = () => ({
      ...profile,
      ann: { kind: "ivfflat" as const, searchSetting: 10, recall10: 1, targetRecall: 0.9, sample: 1, measuredAt: "" },
    });
    const vector = new Float32Array(dimensions).fill(0.1);
    const byIndex = `Index Scan on chunk_embeddings_${rubert.name} by by_test`;

    test("of a search uses the ANN index, and reads chunks and documents by key", async () => {
      const scans = await scansIn((explained) => searchProfile(explained, indexed(), vector, { limit: 15 }));
      expect(scans).toContain(byIndex);
      expect(scans.filter((scan) => scan.startsWith("Seq Scan"))).toEqual([]);
    });

    test("of a search with vectors that the index has lost reads those by key", async () => {
      const lost = { ...indexed(), ann: { ...indexed().ann, unreachable: [5, 6, 7] } };
      const scans = await scansIn((explained) => searchProfile(explained, lost, vector, { limit: 15 }));
      expect(scans).toContain(byIndex);
      expect(scans.filter((scan) => scan.startsWith("Seq Scan"))).toEqual([]);
    });

    test("of a search in one language also uses the ANN index, and reads each chunk and document by key", async () => {
      const options = { limit: 15, filter: { language: "en" } };
      const scans = await scansIn((explained) => searchProfile(explained, indexed(), vector, options));
      expect(scans).toContain(byIndex);
      expect(scans.filter((scan) => scan.startsWith("Seq Scan"))).toEqual([]);
    });

    test("of reading due changes reads only the oldest, in order", async () => {
      await using explained = await openExplained(database);
      const due = await readDueChanges(explained, profile, { limit: 100, queueIsEmpty: false });
      expect(due.length).toBe(100);
      const [plan] = explained.plans;
      expect(plan && scansOf(plan)).toEqual([expect.stringMatching(/^Index .*chunk_changes_order/)]);
      const read = (node: PlanNode): number => Math.max(node["Actual Rows"] ?? 0, ...(node.Plans ?? []).map(read));
      expect(plan && read(plan)).toBeLessThan(200);
    });

    test("of removing old searches uses the index on their time", async () => {
      await database.execute(sql`
        insert into reembed.search_events (request_id, profile, searched_at, took_ms, results)
        select gen_random_uuid(), ${rubert.name}, now() - n * interval '1 hour', 1, 0 from generate_series(1, 5000) n`);
      await database.execute(sql`analyze reembed.search_events`);
      const scans = await scansIn((explained) => removeExpired(explained, { searchDays: 200, throughputDays: 0 }));
      expect(scans).toContainEqual(
        expect.stringMatching(/Index Scan on search_events(_profile| by search_events_profile)$/),
      );
      expect(scans).not.toContain("Seq Scan on search_events");
    });

    test("of reading the last queries reads only the last searches, whether or not queries are logged", async () => {
      await database.execute(sql`
        insert into reembed.search_events (request_id, profile, took_ms, results)
        select gen_random_uuid(), ${rubert.name}, 1, 0 from generate_series(1, 100) n`);
      await using explained = await openExplained(database);
      expect(await readLoggedQueries(explained, 10, { among: 20 })).toEqual([]);
      const [plan] = explained.plans;
      expect(plan && scansOf(plan)).toEqual([expect.stringMatching(/^Index Scan .*search_events_pkey$/)]);
      const read = (node: PlanNode): number => Math.max(node["Actual Rows"] ?? 0, ...(node.Plans ?? []).map(read));
      expect(plan && read(plan)).toBe(20);
    });

    test("of a sweep's block reads only that block of the chunks and vectors, by their keys", async () => {
      await using explained = await openExplained(database);
      expect(await sweepBlock(explained, profile, { chunks: 1_000, everyMs: 0 })).toBe(0);
      const most = (node: PlanNode): number => Math.max(node["Actual Rows"] ?? 0, ...(node.Plans ?? []).map(most));
      for (const plan of explained.plans) {
        expect(scansOf(plan).filter((scan) => /^Seq Scan on (chunks|chunk_embeddings)_/.test(scan))).toEqual([]);
        expect(most(plan)).toBeLessThanOrEqual(1_001);
      }
    });

    test("of a page of a verification reads only that page of chunks and their vectors", async () => {
      await using explained = await openExplained(database);
      for await (const _ of checkVectors(explained, profile)) break;
      const [plan] = explained.plans;
      const scans = plan === undefined ? [] : scansOf(plan);
      expect(scans).toContainEqual(expect.stringMatching(/^Index Scan on chunks_1500-150 by .*pkey$/));
      // No node of the plan returns more rows than a page has.
      const most = (node: PlanNode): number => Math.max(node["Actual Rows"] ?? 0, ...(node.Plans ?? []).map(most));
      expect(plan && most(plan)).toBeLessThanOrEqual(5_001);
    });

    test("of a page of vectors that may have lost their chunks reads only that page, and each that has is found", async () => {
      await database.execute(sql`delete from reembed.chunk_changes`);
      const lost = [-3, 5_000_000];
      await database.execute(sql`
        insert into ${sql.raw(partition)} (profile, chunk_id, content_hash, embedding, model_revision)
        select profile, lost, content_hash, embedding, '' from unnest(${sql.param(lost)}::bigint[]) lost,
          (select * from ${sql.raw(partition)} limit 1) one`);
      await using explained = await openExplained(database);
      expect(await findOrphans(explained, profile, { pageSize: 1_000 })).toEqual({ vectors: 2, firstIds: lost });
      await database.execute(sql`delete from ${sql.raw(partition)} where chunk_id = any(${sql.param(lost)}::bigint[])`);
      const most = (node: PlanNode): number => Math.max(node["Actual Rows"] ?? 0, ...(node.Plans ?? []).map(most));
      expect(explained.plans.length).toBeGreaterThan(chunks / 1_000);
      // A page of vectors and their chunks, and where vectors are missing some chunks more.
      for (const plan of explained.plans) expect(most(plan)).toBeLessThanOrEqual(2_010);
    });

    test("of a sample of vectors reads some blocks, in which each vector is as likely as any other", async () => {
      const drawn = new Set<number>();
      await using explained = await openExplained(database);
      for (let round = 0; round < 40; round++) {
        const ids = await sampleVectorIds(explained, profile, 50);
        expect(new Set(ids).size).toBe(50);
        for (const id of ids) drawn.add(id);
      }
      const scans = explained.plans.flatMap(scansOf);
      expect(scans).toContain(`Tid Scan on chunk_embeddings_${rubert.name}`);
      expect(scans).not.toContain(`Seq Scan on chunk_embeddings_${rubert.name}`);
      // 2,000 draws of 12,000 leave 1,845 different ones, give or take twelve; within a seventh of the blocks it would be 1,170.
      expect(drawn.size).toBeGreaterThan(1_760);
    });
  },
  ["PostgreSQL"],
);
