import { randomUUID } from "node:crypto";
import { type GuardrailSettings, rolledBack, withPercent, withShadow } from "@reembed/core";
import { createLogger, createMetrics } from "@reembed/runtime";
import type { Database } from "@reembed/store/database";
import { changeRollout, ensureRollout, readGuardWindow, readRollout, readRolloutEvents } from "@reembed/store/rollout";
import { recordFeedback, recordSearches } from "@reembed/store/search";
import { describeOnOneServer, openTestDatabase, testProfile, waitFor } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { beforeAll, beforeEach, expect, test } from "vitest";
import { checkGuardrails } from "./check-guardrails.ts";
import { startGuardrails } from "./guardrails.ts";

const profiles = [testProfile("mini-rubert"), testProfile("mini-m3")];
const pair = { baseline: "mini-rubert", candidate: "mini-m3" };
const because = { by: "anna", reason: "a try" };
const settings: GuardrailSettings = {
  windowSeconds: 600,
  leastSearches: 200,
  errorMargin: 0.01,
  emptyMargin: 0.05,
  negativeMargin: 0.1,
  p95Ratio: 2,
  p95MarginMs: 100,
};

interface Traffic {
  searches?: number;
  errors?: number;
  empty?: number;
  unhelpful?: number;
  tookMs?: number;
  shadowOf?: string;
}

describeOnOneServer(
  "guardrails",
  (open) => {
    let database: Database & AsyncDisposable;
    beforeAll(async () => {
      database = await openTestDatabase(await open(), profiles);
      return () => database[Symbol.asyncDispose]();
    });
    beforeEach(async () => {
      await database.execute(sql`truncate reembed.search_events, reembed.search_feedback, reembed.rollout_events`);
      await database.execute(sql`delete from reembed.rollouts`);
      await ensureRollout(database, pair);
    });

    async function serve(
      profile: string,
      { searches = 300, errors = 1, empty = 3, unhelpful = 4, tookMs = 20, shadowOf }: Traffic = {},
    ): Promise<void> {
      const events = Array.from({ length: searches }, (_, index) => ({
        requestId: randomUUID(),
        profile,
        shadowOf: shadowOf ?? null,
        query: null,
        tookMs: tookMs + (index % 7),
        error: index < errors ? "model_failed" : null,
        chunkIds: index < errors + empty ? [] : [1],
        scores: index < errors + empty ? [] : [1],
        overlap10: null,
        rankCorrelation: null,
        ageMs: 0,
      }));
      await recordSearches(database, events);
      for (const [index, { requestId }] of events.slice(-40).entries()) {
        await recordFeedback(database, { requestId, chunkId: 1, kind: index < unhelpful ? "unhelpful" : "helpful" });
      }
    }
    const begin = async (percent: number) => {
      const before = await readRollout(database);
      return await changeRollout(database, before, withPercent(before, percent), because);
    };
    const look = async () => (await checkGuardrails(database, await readRollout(database), settings)).finding;

    test.each([
      [
        "errors",
        { errors: 30 },
        /^10\.0 % of 300 searches failed, 0\.3 % of the baseline's 300: at least .* 1\.0 % are/,
      ],
      ["empty", { empty: 60 }, /answers were empty/],
      ["negative", { unhelpful: 30 }, /^75\.0 % of 40 searches were called unhelpful/],
      ["latency", { tookMs: 400 }, /^95 % of answers took up to 406 ms, the baseline's 26 ms/],
    ] as const)("roll back a candidate that is worse in %s, with the reason", async (measure, worse, why) => {
      await begin(10);
      await serve(pair.baseline);
      await serve(pair.candidate, worse);
      const finding = await look();
      expect(finding).toMatchObject({ outcome: "rolled back", breaches: [{ measure }] });
      expect(await readRollout(database)).toMatchObject({ stage: "rolled back", percent: 0, shadowPercent: 0 });
      const [event] = await readRolloutEvents(database, 1);
      expect(event).toMatchObject({ changedBy: "guardrail", fromPercent: 10, toStage: "rolled back" });
      expect(event?.reason).toMatch(why);
      expect(await look()).toBeUndefined();
    });

    test("do not roll back a candidate that is not worse, has too few searches, or has begun a new stage", async () => {
      await begin(10);
      await serve(pair.baseline);
      await serve(pair.candidate, { searches: 150, errors: 150 });
      expect(await look()).toBeUndefined();
      const bad = await readRollout(database);
      await changeRollout(database, bad, rolledBack(bad), because);
      await begin(10);
      await serve(pair.baseline, { searches: 1_000, errors: 4, empty: 12 });
      // A little worse in everything, as may happen by chance.
      await serve(pair.candidate, { errors: 4, empty: 9, unhelpful: 8, tookMs: 40 });
      expect(await look()).toBeUndefined();
      expect((await readRollout(database)).percent).toBe(10);
    });

    test("do not roll back for feedback on answers and results that there never were", async () => {
      await begin(10);
      await serve(pair.baseline);
      await serve(pair.candidate);
      const { rows } = await database.execute<{ request_id: string }>(
        sql`select request_id from reembed.search_events where profile = ${pair.candidate} limit 100`,
      );
      const invented = [
        ...rows.map(({ request_id: requestId }) => ({ requestId, chunkId: 2 })),
        ...Array.from({ length: 100 }, () => ({ requestId: randomUUID(), chunkId: 1 })),
      ];
      for (const about of invented) expect(await recordFeedback(database, { ...about, kind: "unhelpful" })).toBe(false);
      expect(await look()).toBeUndefined();
    });

    test("roll back once if several processes find a breach at the same moment", async () => {
      await begin(50);
      await serve(pair.baseline);
      await serve(pair.candidate, { errors: 100 });
      const rollout = await readRollout(database);
      const findings = await Promise.all([1, 2, 3].map(() => checkGuardrails(database, rollout, settings)));
      expect(findings.filter(({ finding }) => finding !== undefined).length).toBe(1);
      expect((await readRolloutEvents(database, 10)).filter(({ changedBy }) => changedBy === "guardrail").length).toBe(
        1,
      );
    });

    test("compare it with the baseline's last window if the baseline has no traffic any more", async () => {
      const canary = await begin(50);
      await serve(pair.baseline);
      const baselineWindow = await readGuardWindow(database, pair.baseline, settings);
      await changeRollout(database, canary, withPercent(canary, 100), { ...because, baselineWindow });
      await serve(pair.candidate);
      expect(await look()).toBeUndefined();
      await serve(pair.candidate, { searches: 100, errors: 60 });
      expect(await look()).toMatchObject({ outcome: "rolled back" });
      expect((await readRolloutEvents(database, 1))[0]).toMatchObject({ fromStage: "full", toStage: "rolled back" });
    });

    test("only warn, once, about a shadow, whose answers nobody sees", async () => {
      const before = await readRollout(database);
      await changeRollout(database, before, withShadow(before, 100), because);
      await serve(pair.baseline);
      await serve(pair.candidate, { tookMs: 900, shadowOf: pair.baseline });
      expect(await look()).toMatchObject({ outcome: "warned", breaches: [{ measure: "latency" }] });
      expect(await look()).toBeUndefined();
      expect(await readRollout(database)).toMatchObject({ stage: "shadow", shadowPercent: 100 });
      // As a canary it answers fast enough: what it did as a shadow does not count.
      await begin(10);
      await serve(pair.baseline);
      await serve(pair.candidate);
      await serve(pair.candidate, { tookMs: 900, shadowOf: pair.baseline });
      expect(await look()).toBeUndefined();
    });

    test("run on their own, and count their actions", async () => {
      await begin(10);
      await serve(pair.baseline);
      await serve(pair.candidate, { errors: 100 });
      const metrics = createMetrics();
      await using _ = startGuardrails({
        database,
        settings: async () => settings,
        log: createLogger("silent"),
        metrics,
      });
      await waitFor("the rollback", async () => (await readRollout(database)).stage === "rolled back");
      const told = await waitFor("the count", async () => {
        const text = await metrics.registry.metrics();
        return text.includes('reembed_guardrail_breaches_total{measure="errors",outcome="rolled back"} 1') ? text : "";
      });
      expect(told).toContain('reembed_rollout_percent{profile="mini-m3"} 0');
      expect(told).toContain('reembed_rollout_percent{profile="mini-rubert"} 100');
      expect(told).toContain("reembed_shadow_percent 0");
    });

    test("tell what they measure, how much of it is certain, and what is allowed", async () => {
      const before = await readRollout(database);
      await changeRollout(database, before, withShadow(before, 25), because);
      await serve(pair.baseline);
      await serve(pair.candidate, { errors: 4, shadowOf: pair.baseline });
      const { registry, ...metrics } = createMetrics();
      await using _ = startGuardrails({
        ...{ database, settings, log: createLogger("silent") },
        metrics: { registry, ...metrics },
      });
      await waitFor("the figures", async () => (await metrics.guardrailSeconds.get()).values.length > 0);
      const told = await registry.metrics();
      expect(told).toContain("reembed_shadow_percent 25");
      expect(told).toContain('reembed_guardrail_ratio{measure="errors",figure="measured"} 0.01\n');
      expect(told).toContain('reembed_guardrail_ratio{measure="errors",figure="allowed"} 0.01\n');
      expect(told).toMatch(/reembed_guardrail_ratio\{measure="errors",figure="certain"\} -0\.0\d/);
      expect(told).toContain('reembed_guardrail_latency_seconds{figure="measured"} 0.026');
    });
  },
  "PostgreSQL",
);
