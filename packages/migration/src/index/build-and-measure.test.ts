import type { Database } from "@reembed/store/database";
import { type RegisteredProfile, readProfile } from "@reembed/store/profiles";
import { readAnnIndex, searchProfile, setAnnSettings } from "@reembed/store/search";
import {
  describeOnEachServer,
  fillWithVectors,
  HashingEmbedder,
  holdUpBuilds,
  openTestDatabase,
  testProfile,
  waitFor,
} from "@reembed/testing";
import { sql } from "drizzle-orm";
import { beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { verifyProfile } from "../verify/verify-profile.ts";
import { buildAndMeasure, missedRecall, type WantedIndex } from "./build-and-measure.ts";

const m3 = testProfile("mini-m3");

describeOnEachServer(
  "building an index and measuring it",
  (open) => {
    let database: Database;
    let profile: RegisteredProfile;
    let steps: string[];
    beforeAll(async () => {
      database = await openTestDatabase(await open(), [m3]);
      profile = await readProfile(database, m3.name);
      await fillWithVectors(database, profile, 600);
      return () => database.$client.end();
    });
    beforeEach(async () => {
      steps = [];
      await database.execute(sql`update reembed.profiles set state = 'backfilled'`);
      await database.execute(sql`drop index if exists reembed."chunk_embeddings_mini-m3_ann"`);
      await setAnnSettings(database, profile, null);
      profile = await readProfile(database, m3.name);
    });

    const progress = { step: (text: string) => void steps.push(text), show: () => {}, [Symbol.dispose]() {} };
    const build = (wanted: Partial<WantedIndex> = {}) =>
      buildAndMeasure(
        { kind: "hnsw", targetRecall: 0.98, sample: 20, ...wanted },
        { database, profile, progress, dryRun: false },
      );

    test("is refused before the backfill is complete, unless it is forced", async () => {
      profile = { ...profile, state: "backfilling" };
      await expect(build()).rejects.toMatchObject({ code: "backfill_incomplete", exitCode: 3 });
      expect((await readAnnIndex(database, profile)).exists).toBe(false);
      expect(await build({ force: true })).toMatchObject({ built: true, vectors: 600, sample: 20, reached: true });
    });

    test("sets the lowest ef_search that reaches the target, and measures an existing index again", async () => {
      const built = await build();
      const { ann } = await readProfile(database, m3.name);
      expect(ann).toMatchObject({
        kind: "hnsw",
        searchSetting: built?.searchSetting,
        recall10: built?.recall10,
        sample: 20,
      });
      // Not 1, because a graph may lose a vector, and then no ef_search finds it.
      const all = await build({ targetRecall: 0.9, sample: 5 });
      expect(all).toMatchObject({ built: false, buildSeconds: null, reached: true, sample: 5 });
    });

    test("searches for every vector by itself: one that the graph has lost is named, and searches compare it exactly", async () => {
      // With this few links, a graph loses some of its vectors.
      const built = await build({ m: 2, efConstruction: 4, targetRecall: 0 });
      const [lost = 0, ...others] = built?.unreachable ?? [];
      expect(lost).toBeGreaterThan(0);
      expect(built).toMatchObject({ searchSetting: 40, searched: 600, sampled: false, lost: 0 });
      const { ann, ...measured } = await readProfile(database, m3.name);
      expect(ann).toMatchObject({ unreachable: [lost, ...others] });

      const search = async (searched: RegisteredProfile) => {
        const { rows } = await database.execute<{ vector: number[] }>(sql`
          select embedding::vector::real[] as vector from reembed.chunk_embeddings where chunk_id = ${lost}`);
        const found = await searchProfile(database, searched, Float32Array.from(rows[0]?.vector ?? []), { limit: 15 });
        expect(found.length).toBe(15);
        return found[0]?.chunkId;
      };
      expect(await search({ ...measured, ann })).toBe(lost);
      expect(await search({ ...measured, ann: ann && { ...ann, unreachable: others } })).not.toBe(lost);

      // A verification counts lost vectors, and fails if searches do not know about one.
      const verify = async (verified: RegisteredProfile) => {
        const startEmbedder = async () => new HashingEmbedder({ model: m3.model });
        const bars = { own: -1, adopted: -1 };
        const options = { sample: 1, bars, maxQuarantinedShare: 1, onProgress: () => {}, startEmbedder };
        const { index, failures } = await verifyProfile({ database, profile: verified, ...options });
        return { index, unreachable: failures.unreachable };
      };
      const known = { searched: 600, sampled: false, served: 1 + others.length };
      expect(await verify({ ...measured, ann })).toEqual({ index: known, unreachable: 0 });
      const unaware = { ...measured, ann: ann && { ...ann, unreachable: others } };
      expect(await verify(unaware)).toEqual({ index: { ...known, served: others.length }, unreachable: 1 });
    });

    test("an invalid index of an interrupted build is dropped and built again", async () => {
      const release = await holdUpBuilds(database, profile);
      onTestFinished(release);
      const interrupted = expect(build()).rejects.toMatchObject({ cause: { code: "57P01" } });
      // The index appears in the catalogue only when the build waits for writers.
      const pid = await waitFor("the build", async () => {
        const { building, exists } = await readAnnIndex(database, profile);
        return exists ? building?.pid : undefined;
      });
      // Waits until the process has ended: the client gets its error before the build leaves the server's list.
      await database.execute(sql`select pg_terminate_backend(${pid}::int, 30000)`);
      await interrupted;
      await release();
      expect(await readAnnIndex(database, profile)).toMatchObject({ exists: true, valid: false, building: null });

      expect(await build()).toMatchObject({ built: true });
      expect(steps).toContainEqual(expect.stringContaining("is invalid because its build was interrupted"));
      expect(await readAnnIndex(database, profile)).toMatchObject({ valid: true });
    });

    test("an index of another kind is kept, and the error says how to remove it", async () => {
      expect(await build({ kind: "ivfflat", lists: 30 })).toMatchObject({ options: { lists: 30 }, reached: true });
      await expect(build()).rejects.toMatchObject({ code: "index_differs", exitCode: 3 });
      await expect(build({ kind: "ivfflat", lists: 40 })).rejects.toThrow("already exists: ivfflat, lists 30.");
      expect(await readAnnIndex(database, profile)).toMatchObject({ valid: true, kind: "ivfflat" });
    });

    test("a target that cannot be reached leaves the highest ef_search set, and is reported", async () => {
      // No search can find more than all of the ten nearest.
      const built = await build({ targetRecall: 1.01 });
      expect(built).toMatchObject({ reached: false, searchSetting: 1_000, lost: 0 });
      expect((await readProfile(database, m3.name)).ann?.searchSetting).toBe(1_000);
      if (built !== undefined) expect(missedRecall(built)).toMatchObject({ code: "recall_missed", exitCode: 3 });
    });
  },
  ["PostgreSQL"],
);
