import { describeBackfillSettings } from "@reembed/migration/backfill";
import { readProfile } from "@reembed/store/profiles";
import { recordEstimate, recordHeartbeat, setThrottleReason } from "@reembed/store/progress";
import { addSpending, setBudget } from "@reembed/store/spending";
import { describeOnOneServer, waitFor } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { beforeAll, expect, test } from "vitest";
import { adminPassword, logIn, openDashboard, type TestDashboard, viewerPassword } from "./open-dashboard.ts";

describeOnOneServer(
  "a backfill on the dashboard",
  (open) => {
    let dashboard: TestDashboard;
    let admin: { cookie: string };
    let viewer: { cookie: string };
    beforeAll(async () => {
      dashboard = await openDashboard(await open(), { password: adminPassword, viewerPassword });
      admin = await logIn(dashboard, adminPassword);
      viewer = await logIn(dashboard, viewerPassword);
      return () => dashboard[Symbol.asyncDispose]();
    });
    const profile = () => readProfile(dashboard.database, "mini-m3");
    const post = async (path: string, session: { cookie: string }) => {
      const seen = describeBackfillSettings(await profile());
      const form = new URLSearchParams({ by: "anna", reason: "a try", seen });
      return await dashboard.send("POST", `/steer/backfill/${path}`, form, session);
    };

    /** The page after a poll has seen the last change. */
    const overview = (session: { cookie: string }, text: string): Promise<string> =>
      waitFor(text, async () => {
        const page = await (await dashboard.get("/", session)).text();
        return page.includes(text) ? page : undefined;
      });

    test("admins can pause and resume it; viewers see it without buttons, and are refused", async () => {
      expect(await overview(admin, "Not started yet.")).toContain('href="steer/backfill/mini-m3/pause"');
      expect((await post("mini-m3/pause", viewer)).status).toBe(403);
      expect((await profile()).paused).toBe(false);
      expect((await post("mini-m3/pause", admin)).status).toBe(303);
      expect((await profile()).paused).toBe(true);
      expect(await overview(admin, "Paused: changes are still embedded.")).toContain(
        'href="steer/backfill/mini-m3/resume"',
      );
      expect(await overview(viewer, "Paused: changes are still embedded.")).not.toContain("backfill/mini-m3/");
      expect((await post("mini-m3/resume", viewer)).status).toBe(403);
      expect((await post("mini-m3/resume", admin)).status).toBe(303);
      expect((await profile()).paused).toBe(false);
    });

    test("a backfilled profile and an unknown one cannot be paused", async () => {
      await dashboard.database.execute(sql`update reembed.profiles set state = 'backfilled'`);
      expect((await post("mini-m3/pause", admin)).status).toBe(409);
      expect((await post("mini-m4/pause", admin)).status).toBe(404);
      expect(await overview(admin, "Backfilled: no worker is running.")).not.toContain("backfill/mini-m3/");
      await dashboard.database.execute(sql`update reembed.profiles set state = 'backfilling'`);
    });

    test("what an embedding server was paid, and what its workers wait for, are shown", async () => {
      const { database } = dashboard;
      await addSpending(database, "mini-m3", { tokens: 5_000_000, price: 0.02 });
      await setBudget(database, "mini-m3", 0.1);
      const worker = { id: "w", host: "h", pid: 1, profile: "mini-m3", device: "http", modelRevision: "r" };
      await recordHeartbeat(database, {
        ...worker,
        chunksPerSecond: 0,
        tokensPerSecond: 0,
        waitsFor: "It is <spent>.",
      });
      const page = await overview(viewer, "1 worker waits: It is &lt;spent&gt;.");
      expect(page).toContain("0.1 of a budget of 0.1 spent, for 5,000,000 tokens at 0.02 a million.");
      await database.execute(sql`delete from reembed.workers`);
    });

    test("the reason why it pauses, and the estimate next to the actual progress, are shown", async () => {
      await setThrottleReason(dashboard.database, await profile(), "The slowest standby is <behind>.");
      await recordEstimate(dashboard.database, "mini-m3", {
        ...{
          at: new Date().toISOString(),
          chunks: 1_000,
          sample: 100,
          tokensPerSecond: 100,
          workers: 2,
          seconds: 2_000,
        },
        ...{ tokens: { total: 400_000, low: 380_000, high: 420_000 }, device: "cpu", vectorBytes: 1, indexBytes: 1 },
        ...{ indexBuildBytes: 1, truncatedShare: 0, truncatedShareLow: 0, truncatedShareHigh: 0 },
      });
      const page = await overview(viewer, "The slowest standby is &lt;behind&gt;.");
      expect(page).toMatch(/Tokens\/s<\/th><td class="number">200<\/td><td class="number">–<\/td>/);
    });
  },
  "PostgreSQL",
);
