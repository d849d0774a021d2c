import { type Config, loadConfig, withProfiles } from "@reembed/config";
import { withPercent } from "@reembed/core";
import { EmbedQueue } from "@reembed/queue";
import { type Database, openDatabase } from "@reembed/store/database";
import { recordEvaluation } from "@reembed/store/evaluation";
import { readProfile } from "@reembed/store/profiles";
import { changeRollout, ensureRollout, readRollout, readRolloutEvents } from "@reembed/store/rollout";
import { recordSearches } from "@reembed/store/search";
import { recordVerification } from "@reembed/store/verification";
import { describeOnOneServer, openTestDatabase, storeBodies, testProfile, waitFor } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { finalize } from "../finalize/finalize.ts";
import { rollBack, setPercent, setShadowPercent } from "./change-share.ts";
import { proofs } from "./objections.ts";
import { readRolloutStatus } from "./rollout-status.ts";

const profiles = [testProfile("mini-rubert"), testProfile("mini-m3")];
const pair = { baseline: "mini-rubert", candidate: "mini-m3" };
const environment = { BASELINE_PROFILE: pair.baseline, CANDIDATE_PROFILE: pair.candidate };
const because = { by: "anna", reason: "looks good" };
const byAnna = { by: "anna", keepDays: 0, confirm: async () => true };
const overrule = Object.fromEntries(proofs.map((proof) => [proof, `no ${proof}`]));

/** Gives both profiles vectors, and the candidate a verification and an evaluation. */
async function proveAll(database: Database): Promise<void> {
  for (const name of profiles.map((profile) => profile.name)) await embedAll(database, name);
  await recordVerification(database, { profile: pair.candidate, passed: true, report: {} });
  await recordEvaluation(database, { ...pair, verdict: "better", report: {} });
}

async function embedAll(database: Database, name: string): Promise<void> {
  const { relation, dimensions } = await readProfile(database, name);
  await database.execute(sql`
    insert into reembed.chunk_embeddings (profile, chunk_id, content_hash, embedding, model_revision)
    select ${name}, id, sha256(convert_to(content, 'UTF8')), array_fill(1, array[${dimensions}::int])::real[]::halfvec, 'r'
    from ${sql.raw(relation)}`);
}

describeOnOneServer(
  "a change of the rollout",
  (open, kind) => {
    let database: Database;
    let services: Parameters<typeof finalize>[0];
    const config: Config = withProfiles(
      loadConfig({
        ...environment,
        ...(kind === "embedded" ? {} : { DATABASE_URL: "postgres://h/d" }),
      }),
    );
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

    test("to more subjects is refused until every proof exists or is overruled by name; to fewer subjects it is always allowed", async () => {
      const refused = setPercent(database, config, 10, because);
      await expect(refused).rejects.toMatchObject({ code: "rollout_refused", exitCode: 3 });
      await expect(refused).rejects.toThrow(/coverage: mini-m3 has vectors of 0\.0 % of its chunks/);
      const { evaluation, ...others } = overrule;
      const unjudged = setPercent(database, config, 10, { ...because, overrule: others });
      await expect(unjudged).rejects.toThrow(
        /^mini-m3 cannot get a greater share yet:\n {2}- evaluation: mini-m3 was never [^\n]*$/,
      );
      await setPercent(database, config, 10, { ...because, overrule });
      const [overruled] = await readRolloutEvents(database, 1);
      expect(overruled).toMatchObject({ changedBy: "anna", toPercent: 10 });
      // Only the objections that existed are recorded.
      expect(overruled?.overruled).toEqual({
        ...{ baseline: "no baseline", coverage: "no coverage" },
        ...{ verification: "no verification", evaluation: "no evaluation" },
      });
      await setPercent(database, config, 5, because);
      await proveAll(database);
      await setPercent(database, config, 50, { ...because, overrule });
      // Nothing was overruled.
      expect((await readRolloutEvents(database, 1))[0]).toMatchObject({ toPercent: 50, overruled: {} });
      await recordEvaluation(database, { ...pair, verdict: "worse", report: {} });
      await expect(setPercent(database, config, 100, because)).rejects.toThrow(/found mini-m3 worse/);
      await rollBack(database, because);
      expect((await readRolloutStatus(database, config)).objections.map(({ proof }) => proof)).toEqual(["evaluation"]);
    });

    test("counts only shadowed searches as an evaluation", async () => {
      await proveAll(database);
      await database.execute(sql`truncate reembed.evaluations`);
      await expect(setPercent(database, config, 10, because)).rejects.toThrow(/answered 0 searches in shadow/);
      const search = {
        query: null,
        chunkIds: [1],
        scores: [1],
        overlap10: null,
        rankCorrelation: null,
        tookMs: 1,
        ageMs: 0,
      };
      const shadows = Array.from({ length: 200 }, () => ({
        ...{ ...search, requestId: crypto.randomUUID(), profile: pair.candidate, shadowOf: pair.baseline, error: null },
      }));
      await recordSearches(database, [
        ...shadows.slice(1),
        { ...search, ...shadows[0], error: "failed" },
      ] as typeof shadows);
      await expect(setPercent(database, config, 10, because)).rejects.toThrow(/answered 199 searches in shadow/);
      await recordSearches(database, shadows.slice(0, 1));
      await setPercent(database, config, 10, because);
    });

    test("is refused if the environment names another migration, but a rollback is not", async () => {
      await proveAll(database);
      await setPercent(database, config, 10, because);
      const other = withProfiles(loadConfig({ BASELINE_PROFILE: pair.baseline, CANDIDATE_PROFILE: "bge-m3" }));
      await expect(setPercent(database, other, 20, because)).rejects.toMatchObject({ code: "rollout_of_others" });
      await rollBack(database, because);
      expect(await readRollout(database)).toMatchObject({ stage: "rolled back", percent: 0 });
    });

    test("stores the baseline's window, and the status shows both profiles' windows", async () => {
      await proveAll(database);
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
        { role: "baseline", profile: pair.baseline, coverage: 1, pending: 0, workers: 0, window: { searches: 250 } },
        { role: "candidate", profile: pair.candidate, coverage: 1, pending: 0, window: { searches: 0 } },
      ]);
      await expect(setShadowPercent(database, config, 5, because)).rejects.toThrow(/serves everybody/);
    });

    test.skipIf(kind === "embedded")("succeeds as a rollback despite a concurrent change", async () => {
      await setPercent(database, config, 10, { ...because, overrule });
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
      test("is refused until the candidate answers everybody, is verified, and some days have passed", async () => {
        await proveAll(database);
        await database.execute(sql`truncate reembed.verifications`);
        await expect(finalize(services, byAnna)).rejects.toMatchObject({ code: "not_final", exitCode: 3 });
        await expect(finalize(services, byAnna)).rejects.toThrow(/answers 0 % .*\n.*was never verified/);
        await setPercent(database, config, 100, { ...because, overrule });
        await recordVerification(database, { profile: pair.candidate, passed: false, report: {} });
        await expect(finalize(services, byAnna)).rejects.toThrow(
          /^mini-rubert cannot be retired yet:\n {2}- The last verif.*$/,
        );
        await recordVerification(database, { profile: pair.candidate, passed: true, report: {} });
        await expect(finalize(services, { ...byAnna, keepDays: 7 })).rejects.toThrow(/is kept until .*, 7 days after/);
        expect((await readProfile(database, pair.baseline)).state).not.toBe("retired");
      });

      test("leaves no way back, and does nothing when repeated", async () => {
        await proveAll(database);
        await setPercent(database, config, 100, because);
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
        const asked: string[] = [];
        const refuse = async (question: string) => asked.push(question) === 0;
        expect(await finalize(services, { ...byAnna, confirm: refuse })).toBeUndefined();
        expect((await readProfile(database, pair.baseline)).state).not.toBe("retired");
        expect(asked).toEqual([
          expect.stringMatching(
            /^This removes 2 vectors of mini-rubert .*, the 2 chunks that only mini-rubert reads, its view/,
          ),
        ]);
        await finalize(services, byAnna);
        // A finalization that has begun is completed without another confirmation.
        await finalize(services, { ...byAnna, confirm: refuse });
        expect(asked.length).toBe(1);
        expect((await queue.counts()).waiting).toBe(0);
        const [event] = await readRolloutEvents(database, 1);
        expect(event).toMatchObject({ fromPercent: 100, toPercent: 100, reason: "finalized: mini-rubert is retired" });
        await expect(rollBack(database, because)).rejects.toMatchObject({ code: "baseline_retired", exitCode: 3 });
        await expect(setPercent(database, config, 50, because)).rejects.toMatchObject({ code: "baseline_retired" });
        const { profiles: both } = await readRolloutStatus(database, config);
        expect(both).toMatchObject([{ state: "retired", chunks: 0 }, { coverage: 1 }]);
        // The next migration starts from the former candidate.
        await ensureRollout(database, { baseline: pair.candidate, candidate: "bge-m3" });
        expect(await readRollout(database)).toMatchObject({ baseline: pair.candidate, stage: "baseline", percent: 0 });
      });
    });
  },
  "PostgreSQL",
);
