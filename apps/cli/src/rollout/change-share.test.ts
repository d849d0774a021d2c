import { type Config, loadConfig } from "@reembed/config";
import { withPercent } from "@reembed/core";
import { EmbedQueue } from "@reembed/queue";
import {
  changeRollout,
  type Database,
  ensureRollout,
  openDatabase,
  readProfile,
  readRollout,
  readRolloutEvents,
  recordEvaluation,
  recordSearches,
  recordVerification,
} from "@reembed/store";
import { describeOnEachServer, openTestDatabase, storeBodies, testProfile, waitFor } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { rollBack, setPercent, setShadowPercent } from "./change-share.ts";
import { finalize } from "./finalize.ts";
import { findObjections } from "./guards.ts";
import { readRolloutStatus } from "./rollout-status.ts";

const profiles = [testProfile("mini-rubert"), testProfile("mini-m3")];
const pair = { baseline: "mini-rubert", candidate: "mini-m3" };
const environment = { BASELINE_PROFILE: pair.baseline, CANDIDATE_PROFILE: pair.candidate };
const because = { by: "anna", reason: "looks good" };
const byAnna = { by: "anna", keepDays: 0 };

async function embedAll(database: Database, name: string): Promise<void> {
  const { relation, dimensions } = await readProfile(database, name);
  await database.execute(sql`
    insert into reembed.chunk_embeddings (profile, chunk_id, content_hash, embedding, model_revision)
    select ${name}, id, sha256(convert_to(content, 'UTF8')), array_fill(1, array[${dimensions}::int])::real[]::halfvec, 'r'
    from ${sql.raw(relation)}`);
}

test("the guards object to what is not covered, not indexed, not verified or worse, each in a sentence", () => {
  const ready = {
    ...{ profile: "new", state: "complete", chunks: 1_000_000, embedded: 1_000_000, pending: 0, changes: 0 },
    ...{
      oldestChangeSeconds: null,
      quarantined: 0,
      coverage: 1,
      workers: 1,
      verification: { passed: true, at: new Date() },
    },
    index: { kind: "hnsw", valid: true, measured: true, sizeBytes: 1 },
  };
  const fleet = { embedded: false };
  const evaluatedAt = new Date();
  expect(findObjections(ready, { verdict: "better", evaluatedAt }, fleet)).toEqual([]);
  expect(findObjections({ ...ready, verification: null }, undefined, fleet)).toEqual([]);
  expect(findObjections({ ...ready, coverage: 0.9989 }, undefined, fleet)).toEqual([
    "new has vectors of 99.8 % of its chunks; 99.9 % are needed.",
  ]);
  for (const index of [null, { ...ready.index, valid: false }, { ...ready.index, measured: false }]) {
    expect(findObjections({ ...ready, index }, undefined, fleet)).toEqual([expect.stringMatching(/no ANN index/)]);
    expect(findObjections({ ...ready, index, chunks: 20_000 }, undefined, fleet)).toEqual([]);
    expect(findObjections({ ...ready, index }, undefined, { embedded: true })).toEqual([]);
  }
  const failed = { ...ready, verification: { passed: false, at: new Date() } };
  expect(findObjections(failed, undefined, fleet)).toEqual([expect.stringMatching(/verification of new failed/)]);
  expect(findObjections(ready, { verdict: "worse", evaluatedAt }, fleet)).toEqual([expect.stringMatching(/worse/)]);
});

describeOnEachServer(
  "a change of the rollout",
  (open, kind) => {
    let database: Database;
    let services: Parameters<typeof finalize>[0];
    const config: Config = loadConfig({
      ...environment,
      ...(kind === "embedded" ? {} : { DATABASE_URL: "postgres://h/d" }),
    });
    beforeAll(async () => {
      const servers = await open();
      const opened = await openTestDatabase(servers, profiles);
      database = opened;
      services = { database, queue: servers.queue, dryRun: false };
      await storeBodies(database, ["one", "two"]);
      return () => opened[Symbol.asyncDispose]();
    });
    beforeEach(async () => {
      await database.execute(sql`
        truncate reembed.rollouts, reembed.rollout_events, reembed.search_events, reembed.verifications,
          reembed.evaluations, reembed.chunk_embeddings`);
      await ensureRollout(database, pair);
    });

    test("to more subjects is refused until the candidate is ready, unless it is forced; to fewer it never is", async () => {
      const refused = setPercent(database, config, 10, because);
      await expect(refused).rejects.toMatchObject({ code: "rollout_refused", exitCode: 3 });
      await expect(refused).rejects.toThrow(/mini-m3 has vectors of 0\.0 % of its chunks/);
      await setPercent(database, config, 10, { ...because, force: true });
      expect(await readRolloutEvents(database, 1)).toMatchObject([{ changedBy: "anna", toPercent: 10, forced: true }]);
      await setPercent(database, config, 5, because);
      await embedAll(database, pair.candidate);
      await setPercent(database, config, 50, { ...because, force: true });
      // Nothing was overruled.
      expect((await readRolloutEvents(database, 3)).map(({ toPercent, forced }) => [toPercent, forced])).toEqual([
        [50, false],
        [5, false],
        [10, true],
      ]);
      await recordEvaluation(database, { ...pair, verdict: "worse", report: {} });
      await expect(setPercent(database, config, 100, because)).rejects.toThrow(/found mini-m3 worse/);
      await rollBack(database, because);
      expect((await readRolloutStatus(database, config)).objections.length).toBe(1);
    });

    test("in an environment that means another migration is refused; a rollback is not", async () => {
      await embedAll(database, pair.candidate);
      await setPercent(database, config, 10, because);
      const other = loadConfig({ BASELINE_PROFILE: pair.baseline, CANDIDATE_PROFILE: "bge-m3" });
      await expect(setPercent(database, other, 20, because)).rejects.toMatchObject({ code: "rollout_of_others" });
      await rollBack(database, because);
      expect(await readRollout(database)).toMatchObject({ stage: "rolled back", percent: 0 });
    });

    test("keeps the baseline's window, and its status tells both profiles'", async () => {
      await embedAll(database, pair.candidate);
      const search = { shadowOf: null, query: null, chunkIds: [1], scores: [1], error: null, overlap10: null };
      await recordSearches(
        database,
        Array.from({ length: 250 }, () => ({
          ...{ ...search, requestId: crypto.randomUUID(), profile: pair.baseline },
          ...{ tookMs: 20, rankCorrelation: null, ageMs: 0 },
        })),
      );
      await setShadowPercent(database, config, 50, because);
      await setPercent(database, config, 100, because);
      const [full, shadow] = await readRolloutEvents(database, 2);
      expect(shadow).toMatchObject({ toStage: "shadow", baselineWindow: null });
      expect(full?.baselineWindow).toMatchObject({ searches: 250, errors: 0, latency: { p95: 20 } });
      const status = await readRolloutStatus(database, config);
      expect(status).toMatchObject({ stage: "full", percent: 100, shadowPercent: 0, objections: [] });
      expect(status.profiles).toMatchObject([
        { role: "baseline", profile: pair.baseline, coverage: 0, pending: 2, workers: 0, window: { searches: 250 } },
        { role: "candidate", profile: pair.candidate, coverage: 1, pending: 0, window: { searches: 0 } },
      ]);
      await expect(setShadowPercent(database, config, 5, because)).rejects.toThrow(/serves everybody/);
    });

    test.skipIf(kind === "embedded")("wins as a rollback against whoever changes it at the same moment", async () => {
      await setPercent(database, config, 10, { ...because, force: true });
      const seen = await readRollout(database);
      let back = Promise.resolve();
      await database.transaction(async (other) => {
        await changeRollout(other, seen, withPercent(seen, 50), because);
        back = rollBack(database, because);
        await waitFor("the rollback to wait", async () => {
          const waiting = await database.execute(sql`
            select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`);
          return waiting.rows.length > 0;
        });
      });
      await back;
      expect(await readRollout(database)).toMatchObject({ stage: "rolled back", version: seen.version + 2 });
    });

    describe("for good", () => {
      test("is refused until everybody is served, and it was verified, and some days have passed", async () => {
        await embedAll(database, pair.candidate);
        await expect(finalize(services, byAnna)).rejects.toMatchObject({ code: "not_final", exitCode: 3 });
        await expect(finalize(services, byAnna)).rejects.toThrow(/answers 0 % .*\n.*was never verified/);
        await setPercent(database, config, 100, because);
        await recordVerification(database, { profile: pair.candidate, passed: false, report: {} });
        await expect(finalize(services, byAnna)).rejects.toThrow(
          /^mini-rubert is not retired:\n {2}- The last verif.*$/,
        );
        await recordVerification(database, { profile: pair.candidate, passed: true, report: {} });
        await expect(finalize(services, { ...byAnna, keepDays: 7 })).rejects.toThrow(/is kept until .*, 7 days after/);
        expect((await readProfile(database, pair.baseline)).state).not.toBe("retired");
      });

      test("leaves no way back, and again is nothing", async () => {
        await embedAll(database, pair.candidate);
        await setPercent(database, config, 100, because);
        await recordVerification(database, { profile: pair.candidate, passed: true, report: {} });
        await using queue = new EmbedQueue(services.queue, pair.baseline, () => {});
        await queue.enqueue([{ profile: pair.baseline, kind: "changes", chunkIds: [1] }]);
        const told: string[] = [];
        const onDryRun = (statement: string) => told.push(statement);
        const dry = openDatabase({ connectionString: database.$client.options.connectionString ?? "", onDryRun });
        await finalize({ ...services, database: dry, dryRun: true }, byAnna);
        await dry.$client.end();
        for (const part of [
          "rollout_events",
          '"state" = $1',
          'detach partition reembed."chunks_1500-150"',
          "drop table",
          "drop view",
        ]) {
          expect(told.join("\n")).toContain(part);
        }
        expect((await readRolloutStatus(database, config)).profiles[0]?.state).toBe("registered");
        expect((await queue.counts()).waiting).toBe(1);
        await finalize(services, byAnna);
        await finalize(services, byAnna);
        expect((await queue.counts()).waiting).toBe(0);
        const [event] = await readRolloutEvents(database, 1);
        expect(event).toMatchObject({ fromPercent: 100, toPercent: 100, reason: "finalized: mini-rubert is retired" });
        await expect(rollBack(database, because)).rejects.toMatchObject({ code: "baseline_retired", exitCode: 3 });
        await expect(setPercent(database, config, 50, because)).rejects.toMatchObject({ code: "baseline_retired" });
        const { profiles: both } = await readRolloutStatus(database, config);
        expect(both).toMatchObject([{ state: "retired", chunks: 0 }, { coverage: 1 }]);
        // The next migration begins from here.
        await ensureRollout(database, { baseline: pair.candidate, candidate: "bge-m3" });
        expect(await readRollout(database)).toMatchObject({ baseline: pair.candidate, stage: "baseline", percent: 0 });
      });
    });
  },
  ["embedded", "PostgreSQL", "PostgreSQL and Redis"],
);
