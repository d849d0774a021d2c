import { createToken, revokeToken } from "@reembed/migration/access";
import { readAudit } from "@reembed/migration/audit";
import { readProfile } from "@reembed/store/profiles";
import { registerProfiles } from "@reembed/store/registration";
import { ensureRollout } from "@reembed/store/rollout";
import { describeOnOneServer, type TestServers, testProfile, waitFor } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { beforeAll, expect, test } from "vitest";
import { openDashboard, passwords, type TestDashboard } from "./open-dashboard.ts";

describeOnOneServer(
  "a token on the dashboard",
  (open) => {
    let servers: TestServers;
    let dashboard: TestDashboard;
    beforeAll(async () => {
      servers = await open();
      dashboard = await openDashboard(servers, passwords);
      await registerProfiles(dashboard.database, [testProfile("mini-rubert")]);
      await ensureRollout(dashboard.database, { baseline: "mini-rubert", candidate: "mini-m3" });
      return () => dashboard[Symbol.asyncDispose]();
    });

    const create = async (name: string, role: "viewer" | "operator" = "operator", expiresAt: Date | null = null) => {
      const token = await createToken(dashboard.database, { name, role, expiresAt, by: "anna" });
      return { authorization: `Bearer ${token}` };
    };
    /** A request without an origin and a cookie, as a script sends it. */
    const send = (path: string, headers: Record<string, string>, form?: Record<string, string>) =>
      fetch(`${dashboard.origin}${path}`, {
        ...{ method: form === undefined ? "GET" : "POST", headers, redirect: "manual" },
        body: form === undefined ? null : new URLSearchParams(form),
      });
    const pause = "/steer/backfill/mini-m3/pause";

    test("lets a script see a step and take it, without a cookie, and is written down as who did", async () => {
      const ci = await create("ci");
      const step = (await (await send(pause, ci)).json()) as { seen: string };
      expect(step).toMatchObject({ title: "Pause the backfill of mini-m3", objections: [], seen: "not started" });
      // A form of a script cannot claim another name.
      const done = await send(pause, ci, { seen: step.seen, reason: "the nightly load", by: "the director" });
      expect([done.status, await done.json()]).toEqual([200, { done: "Pause the backfill of mini-m3" }]);
      expect((await readProfile(dashboard.database, "mini-m3")).paused).toBe(true);
      expect((await readAudit(dashboard.database, 1))[0]).toMatchObject({
        ...{ by: "ci", as: "operator by token", what: "backfill of mini-m3" },
        ...{ from: "not started", to: "paused", why: "the nightly load" },
      });
      const changes = await (await send("/changes", ci)).text();
      expect(changes).toContain("<td>ci</td><td>operator by token</td><td>backfill of mini-m3</td>");
    });

    test("that decided on something else is refused with what has changed, and one without a reason too", async () => {
      const late = await create("late");
      const refused = await send("/steer/rollout/shadow", late, { seen: "canary, 50 % (change 9)", reason: "late" });
      expect(refused.status).toBe(409);
      expect(await refused.json()).toMatchObject({ detail: expect.stringContaining("Meanwhile somebody has changed") });
      const silent = await send("/steer/rollout/shadow", late, {});
      expect([silent.status, await silent.json()]).toMatchObject([400, { detail: expect.stringContaining("reason") }]);
    });

    test("that was revoked, has expired or is invented is answered with 401 and why, whatever else comes with it", async () => {
      const revoked = await create("gone");
      await revokeToken(dashboard.database, "gone", "ben");
      const expired = await create("old", "operator", new Date(Date.now() - 1_000));
      const refusals = [
        [revoked, /^The token gone was revoked on .* UTC\.$/],
        [expired, /^The token old expired on .* UTC\.$/],
        [{ authorization: `Bearer reembed_${"a".repeat(43)}` }, /^This token is not known here\.$/],
        [{ authorization: "Bearer " }, /^This token is not known here\.$/],
      ] as const;
      for (const [headers, detail] of refusals) {
        for (const answer of [await send("/", headers), await send(pause, headers, { reason: "a try" })]) {
          expect(answer.status).toBe(401);
          expect(answer.headers.get("www-authenticate")).toBe("Bearer");
          expect(answer.headers.get("content-type")).toMatch(/^application\/problem\+json/);
          expect(await answer.json()).toMatchObject({ status: 401, detail: expect.stringMatching(detail) });
        }
      }
      // Without passwords everybody on this machine is an admin, but not with such a token.
      await using open = await openDashboard(servers);
      expect((await fetch(`${open.origin}/`, { headers: refusals[2][0] })).status).toBe(401);
    });

    test("ends the events that it watches when it is revoked", async () => {
      const { body } = await send("/events", await create("watcher", "viewer"));
      const reader = body?.getReader();
      expect((await reader?.read())?.done).toBe(false);
      await revokeToken(dashboard.database, "watcher", "anna");
      await waitFor("the end of the stream", async () => (await reader?.read())?.done === true);
    });

    test("notes its last use coarsely", async () => {
      const often = await create("often", "viewer");
      const lastUse = async () => {
        const { rows } = await dashboard.database.execute<{ used: string | null }>(
          sql`select last_used_at::text as used from reembed.api_tokens where name = 'often'`,
        );
        return rows[0]?.used;
      };
      expect(await lastUse()).toBeNull();
      await send("/changes", often);
      const first = await lastUse();
      expect(first).not.toBeNull();
      await send("/changes", often);
      expect(await lastUse()).toBe(first);
    });
  },
  "PostgreSQL",
);
