import { withPercent } from "@reembed/core";
import { readOperatorChanges } from "@reembed/store/operators";
import { readProfile } from "@reembed/store/profiles";
import { recordHeartbeat, removeHeartbeat } from "@reembed/store/progress";
import { registerProfiles } from "@reembed/store/registration";
import { changeRollout, ensureRollout, readRollout, readRolloutEvents } from "@reembed/store/rollout";
import { describeOnOneServer, storeBodies, testProfile } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { beforeAll, beforeEach, expect, test } from "vitest";
import { adminPassword, logIn, openDashboard, type TestDashboard, viewerPassword } from "./open-dashboard.ts";

const decision = { by: "anna", reason: "a try" };

describeOnOneServer(
  "steps on the dashboard",
  (open) => {
    let dashboard: TestDashboard;
    let admin: { cookie: string };
    beforeAll(async () => {
      dashboard = await openDashboard(await open(), { password: adminPassword, viewerPassword });
      admin = await logIn(dashboard, adminPassword);
      await registerProfiles(dashboard.database, [testProfile("mini-rubert")]);
      await storeBodies(dashboard.database, ["pay", "leave"]);
      return () => dashboard[Symbol.asyncDispose]();
    });
    beforeEach(async () => {
      await dashboard.database.execute(sql`truncate reembed.operator_changes, reembed.rollout_events`);
      await dashboard.database.execute(sql`delete from reembed.rollouts`);
      await ensureRollout(dashboard.database, { baseline: "mini-rubert", candidate: "mini-m3" });
    });

    const page = async (path: string, session = admin) => {
      const response = await dashboard.get(path, { accept: "text/html", ...session });
      return { status: response.status, text: await response.text() };
    };
    const seenOn = async (path: string) => /name="seen" value="([^"]*)"/.exec((await page(path)).text)?.[1] ?? "";
    const press = async (path: string, form: Record<string, string> = {}, seen?: string, session = admin) => {
      const fields = { ...decision, seen: seen ?? (await seenOn(path)), ...form };
      const response = await dashboard.send("POST", path, new URLSearchParams(fields), session);
      return { status: response.status, text: await response.text() };
    };
    const last = async () => (await readOperatorChanges(dashboard.database, 1))[0];

    test("ask once, say what they do, and are written down with who and why", async () => {
      const path = "/steer/backfill/mini-m3/start";
      const { text } = await page(path);
      expect(text).toContain("<h1>Start the backfill of mini-m3</h1>");
      expect(text).toContain("Now: not started.");
      expect((await press(path, { order: "newest", until: "50", rate: "100" })).status).toBe(303);
      expect(await readProfile(dashboard.database, "mini-m3")).toMatchObject({
        ...{ state: "backfilling", backfillOrder: "newest", backfillUntil: 0.5, backfillRate: 100 },
      });
      expect(await last()).toMatchObject({
        ...{ changedBy: "anna", subject: "backfill of mini-m3", fromValue: "not started", reason: "a try" },
        toValue: "newest first, up to 50 %, at most 100 chunks/s",
      });
      expect((await page("/")).text).toContain("newest first, up to 50 %, at most 100 chunks/s");
    });

    test("of the rollout are refused with the guard's words, which their page shows beforehand", async () => {
      const { text } = await page("/steer/rollout/10");
      expect(text).toContain("It will be refused, because:");
      expect(text).toContain("mini-m3 was never verified: run reembed verify.");
      const refused = await press("/steer/rollout/10");
      expect(refused.status).toBe(409);
      expect(refused.text).toContain("mini-m3 cannot get a greater share yet:");
      expect((await readRollout(dashboard.database)).percent).toBe(0);
    });

    test("give the candidate a shadow and take it back", async () => {
      expect((await press("/steer/rollout/shadow")).status).toBe(303);
      expect(await readRollout(dashboard.database)).toMatchObject({ stage: "shadow", shadowPercent: 20 });
      expect((await page("/")).text).toContain('href="steer/rollout/rollback"');
      expect((await press("/steer/rollout/rollback")).status).toBe(303);
      const events = await readRolloutEvents(dashboard.database, 2);
      expect(events.map(({ changedBy, toStage }) => [changedBy, toStage])).toEqual([
        ["anna", "rolled back"],
        ["anna", "shadow"],
      ]);
    });

    test("of an old page are refused, and say what has changed", async () => {
      const seen = await seenOn("/steer/rollout/shadow");
      const before = await readRollout(dashboard.database);
      await changeRollout(dashboard.database, before, withPercent(before, 10), { by: "ben", reason: "sooner" });
      const refused = await press("/steer/rollout/shadow", {}, seen);
      expect(refused.status).toBe(409);
      expect(refused.text).toMatch(/this was decided when it was baseline .*it is canary, 10 %/);
      expect(await readRollout(dashboard.database)).toMatchObject({ stage: "canary", shadowPercent: 0 });
      expect((await page("/steer/rollout/10")).text).toContain("mini-m3 already answers 10 % of subjects.");
    });

    test("that two people press at once happen once, and the other is told", async () => {
      const seen = await seenOn("/steer/rollout/shadow");
      const outcomes = await Promise.all([1, 2].map(() => press("/steer/rollout/shadow", {}, seen)));
      for (const { status } of outcomes) expect([303, 409]).toContain(status);
      expect(outcomes.map(({ status }) => status)).toContain(303);
      expect(
        (await readRolloutEvents(dashboard.database, 10)).filter(({ toStage }) => toStage === "shadow"),
      ).toHaveLength(1);
    });

    test("have an index built by a producer, once: of two who press at once the second is told", async () => {
      const path = "/steer/index/mini-m3";
      expect((await page(path)).text).toContain("The backfill of mini-m3 is not complete: it is ");
      expect((await press(path)).text).toContain("The backfill of mini-m3 is not complete");
      await dashboard.database.execute(sql`update reembed.profiles set state = 'backfilled' where name = 'mini-m3'`);
      const outcomes = await Promise.all([press(path), press(path, { by: "ben" })]);
      expect(outcomes.map(({ status }) => status).sort()).toEqual([303, 409]);
      const told = outcomes.find(({ status }) => status === 409)?.text;
      expect(told).toMatch(
        /(anna|ben) asked for the index build of mini-m3 at .* It waits for a producer to take it\./,
      );
      expect((await page("/")).text).toMatch(/<p id="task" class="notice">(anna|ben) asked for the index build/);
      expect((await page(path)).text).toContain("It will be refused, because:");
      expect(await last()).toMatchObject({ subject: "index build of mini-m3", toValue: "asked for", reason: "a try" });
      await dashboard.database.execute(sql`update reembed.profiles set state = 'registered' where name = 'mini-m3'`);
    });

    test("have a profile verified by one of its workers, beside no other task", async () => {
      const path = "/steer/verification/mini-m3";
      await dashboard.database.execute(sql`truncate reembed.tasks`);
      expect((await press(path)).text).toContain("The backfill of mini-m3 is not complete");
      await dashboard.database.execute(sql`update reembed.profiles set state = 'backfilled' where name = 'mini-m3'`);
      expect((await press(path)).text).toContain("No worker of mini-m3 is running");
      await recordHeartbeat(dashboard.database, {
        ...{ id: "w", host: "gpu-1", pid: 1, profile: "mini-m3", modelRevision: "1", device: "cpu" },
        ...{ chunksPerSecond: 0, tokensPerSecond: 0 },
      });
      expect((await press(path)).status).toBe(303);
      await removeHeartbeat(dashboard.database, "w");
      expect((await page("/")).text).toMatch(
        /asked for the verification of mini-m3 .* a worker of the profile to take it/,
      );
      expect((await press("/steer/index/mini-m3")).text).toContain("anna asked for the verification of mini-m3");
      expect(await last()).toMatchObject({ subject: "verification of mini-m3", toValue: "asked for" });
      await dashboard.database.execute(sql`update reembed.profiles set state = 'registered' where name = 'mini-m3'`);
    });

    test("set bounds, within their range and from what was seen", async () => {
      const path = "/steer/bounds/BATCH_SIZE";
      expect((await page("/steer/bounds")).text).toContain('href="steer/bounds/BATCH_SIZE"');
      const seen = await seenOn(path);
      expect((await press(path, { value: "5000" })).text).toContain("BATCH_SIZE must be a whole number from 1 to 1000");
      expect((await press(path, { value: "128" })).status).toBe(303);
      expect(await last()).toMatchObject({ subject: "BATCH_SIZE", toValue: "128", changedBy: "anna" });
      expect((await press(path, { value: "32" }, seen)).status).toBe(409);
      expect((await press(path, { value: "" })).status).toBe(303);
      expect(await last()).toMatchObject({ fromValue: "128", toValue: null });
      expect((await page("/steer/bounds/NOTHING")).status).toBe(400);
    });

    test("need an operator, a name, a reason and a page of the dashboard", async () => {
      const viewer = await logIn(dashboard, viewerPassword);
      const path = "/steer/backfill/mini-m3/pause";
      expect((await page(path, viewer)).status).toBe(403);
      expect((await page("/steer/bounds", viewer)).text).not.toContain('href="steer/bounds/');
      expect((await page("/", viewer)).text).not.toContain('href="steer/rollout');
      const seen = await seenOn(path);
      expect((await press(path, {}, seen, viewer)).status).toBe(403);
      expect((await press(path, { by: "" }, seen)).text).toContain("must say who you are");
      expect((await press(path, { by: "guardrail" }, seen)).text).toContain("must be the name of a person");
      expect((await press(path, { reason: " " }, seen)).text).toContain("must say why");
      const foreign = { origin: "https://elsewhere.example", ...admin };
      const form = new URLSearchParams({ ...decision, seen });
      expect((await dashboard.send("POST", path, form, foreign)).status).toBe(403);
      expect((await readProfile(dashboard.database, "mini-m3")).paused).toBe(false);
    });
  },
  "PostgreSQL",
);
