import { isAtLeast, type Role, roles } from "@reembed/core";
import { createToken } from "@reembed/migration/access";
import { EmbedQueues, TickQueue } from "@reembed/queue";
import { registerProfiles } from "@reembed/store/registration";
import { ensureRollout } from "@reembed/store/rollout";
import { describeOnOneServer, type TestServers, testProfile } from "@reembed/testing";
import { listRoutes } from "@reembed/testing/http";
import { beforeAll, expect, test } from "vitest";
import { Access } from "../src/access/access.ts";
import { createApp } from "../src/app.ts";
import { log, logIn, openDashboard, passwords, steering, type TestDashboard } from "./open-dashboard.ts";

/** Every route of the dashboard by the least role that it needs. A route that is not here fails the first test. */
const routesOf: Record<Role | "anybody", readonly string[]> = {
  anybody: [
    "GET /healthz",
    "GET /openapi.json",
    "GET /login",
    "POST /login",
    "POST /logout",
    "GET /assets/idiomorph.js",
    "GET /assets/uplot.css",
    "GET /assets/uplot.js",
  ],
  viewer: [
    "GET /",
    "GET /changes/",
    "GET /events",
    "GET /quarantine/:profile",
    "GET /steer/bounds",
    "GET /board/",
    "GET /board/api/job-schedulers",
    "GET /board/api/queues",
    "GET /board/api/queues/:queueName/:jobId",
    "GET /board/api/queues/:queueName/:jobId/flow",
    "GET /board/api/queues/:queueName/:jobId/logs",
    "GET /board/api/queues/:queueName/default-job-options",
    "GET /board/api/queues/:queueName/job-data-schema",
    "GET /board/api/queues/:queueName/metrics",
    "GET /board/api/queues/:queueName/rate-limit",
    "GET /board/api/queues/:queueName/workers",
    "GET /board/api/redis/stats",
    "GET /board/job-schedulers",
    "GET /board/metrics-history",
    "GET /board/queue/:queueName",
    "GET /board/queue/:queueName/:jobId",
  ],
  operator: [
    "GET /steer/backfill/:profile/:action",
    "POST /steer/backfill/:profile/:action",
    "GET /steer/bounds/:name",
    "POST /steer/bounds/:name",
    "GET /steer/index/:profile",
    "POST /steer/index/:profile",
    "GET /steer/quarantine/:profile",
    "POST /steer/quarantine/:profile",
    "GET /steer/rollout/:action",
    "POST /steer/rollout/:action",
    "GET /steer/verification/:profile",
    "POST /steer/verification/:profile",
  ],
  admin: [
    "PATCH /board/api/queues/:queueName/:jobId/delay",
    "PATCH /board/api/queues/:queueName/:jobId/priority",
    "PATCH /board/api/queues/:queueName/:jobId/update-data",
    "PATCH /board/api/queues/:queueName/job-schedulers/:schedulerId",
    "POST /board/api/queues/:queueName/add",
    "PUT /board/api/queues/:queueName/:jobId/clean",
    "PUT /board/api/queues/:queueName/:jobId/promote",
    "PUT /board/api/queues/:queueName/:jobId/remove-unprocessed-children",
    "PUT /board/api/queues/:queueName/:jobId/retry",
    "PUT /board/api/queues/:queueName/clean/:queueStatus",
    "PUT /board/api/queues/:queueName/concurrency",
    "PUT /board/api/queues/:queueName/empty",
    "PUT /board/api/queues/:queueName/job-schedulers/:schedulerId/remove",
    "PUT /board/api/queues/:queueName/job-schedulers/:schedulerId/run",
    "PUT /board/api/queues/:queueName/obliterate",
    "PUT /board/api/queues/:queueName/pause",
    "PUT /board/api/queues/:queueName/promote",
    "PUT /board/api/queues/:queueName/rate-limit",
    "PUT /board/api/queues/:queueName/rate-limit/release",
    "PUT /board/api/queues/:queueName/resume",
    "PUT /board/api/queues/:queueName/retry/:queueStatus",
    "PUT /board/api/queues/pause",
    "PUT /board/api/queues/resume",
  ],
};
const needed = (Object.keys(routesOf) as (Role | "anybody")[]).flatMap((least) =>
  routesOf[least].map((route) => ({ route, least })),
);
const json = { accept: "application/json" };

describeOnOneServer(
  "every route of the dashboard",
  (open) => {
    let servers: TestServers;
    let dashboard: TestDashboard;
    const known: { who: string; role: Role; headers: Record<string, string> }[] = [];
    beforeAll(async () => {
      servers = await open();
      dashboard = await openDashboard(servers, passwords);
      const { database } = dashboard;
      await registerProfiles(database, [testProfile("mini-rubert")]);
      await ensureRollout(database, { baseline: "mini-rubert", candidate: "mini-m3" });
      for (const role of roles) {
        const password = {
          viewer: passwords.viewerPassword,
          operator: passwords.operatorPassword,
          admin: passwords.password,
        };
        const { cookie } = await logIn(dashboard, password[role]);
        known.push({ who: `${role} by password`, role, headers: { cookie, origin: dashboard.origin } });
        const token = await createToken(database, { name: role, role, expiresAt: null, by: "anna" });
        known.push({ who: `${role} by token`, role, headers: { authorization: `Bearer ${token}` } });
      }
      return () => dashboard[Symbol.asyncDispose]();
    });

    const statusOf = async (route: string, headers: Record<string, string>) => {
      const [method = "", path = ""] = route.split(" ");
      const named = path.replace(":profile", "mini-m3").replaceAll(/:\w+/g, "none");
      const response = await fetch(`${dashboard.origin}${named}`, {
        method,
        headers: { ...json, ...headers },
        redirect: "manual",
      });
      // The events never end by themselves.
      await response.body?.cancel();
      return response.status;
    };

    test("is listed here with the role that it needs", async () => {
      const { database } = dashboard;
      await using queues = new EmbedQueues(servers.queue, () => {});
      await using ticks = new TickQueue(servers.queue, () => {});
      const access = new Access({ database, passwords: { admin: passwords.password } });
      const sources = { database, queues, ticks, steering, access, log, poll: undefined as never, onSteered: () => {} };
      const settings = { trustedProxies: undefined, onLoopback: true, basePath: "" };
      const routes = listRoutes(() => createApp({ ...sources, ...settings }), { called: "/board" });
      expect(routes).toEqual(needed.map(({ route }) => route).toSorted());
    });

    test.each(needed)("$route: $least", async ({ route, least }) => {
      const nobody = await statusOf(route, { origin: dashboard.origin });
      if (least === "anybody") return expect([401, 403]).not.toContain(nobody);
      expect(nobody).toBe(401);
      for (const { who, role, headers } of known) {
        const status = await statusOf(route, headers);
        const expected = isAtLeast(role, least) ? "let in" : "refused";
        expect([who, status === 403 ? "refused" : status === 401 ? "unknown" : "let in"]).toEqual([who, expected]);
        expect(status).not.toBe(500);
      }
    });

    test("that changes something is refused to a page of another site, whoever is logged in there", async () => {
      const { headers } = known.find(({ who }) => who === "admin by password") ?? { headers: {} };
      const writes = needed.filter(({ route }) => !route.startsWith("GET"));
      for (const { route } of writes) {
        expect([route, await statusOf(route, { ...headers, origin: "https://elsewhere.example" })]).toEqual([
          route,
          403,
        ]);
      }
    });
  },
  "PostgreSQL",
);
