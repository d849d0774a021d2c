import { get } from "node:http";
import { readAudit } from "@reembed/migration/audit";
import { describeOnOneServer, type TestServers } from "@reembed/testing";
import { beforeAll, describe, expect, test } from "vitest";
import { startDashboard } from "../src/dashboard.ts";
import {
  adminPassword,
  guard,
  log,
  logIn,
  openDashboard,
  operatorPassword,
  passwords,
  steering,
  type TestDashboard,
  viewerPassword,
} from "./open-dashboard.ts";

describeOnOneServer(
  "access to the dashboard",
  (open) => {
    let servers: TestServers;
    let dashboard: TestDashboard;
    let guarded: TestDashboard;
    beforeAll(async () => {
      servers = await open();
      dashboard = await openDashboard(servers);
      guarded = await openDashboard(servers, passwords);
      return async () => {
        await guarded[Symbol.asyncDispose]();
        await dashboard[Symbol.asyncDispose]();
      };
    });

    test("an address that others can reach is refused without a password, and accepted with one", async () => {
      const options = { database: dashboard.database, queue: servers.queue, guard, steering, port: 0, log };
      for (const host of ["0.0.0.0", "::"]) {
        await expect(startDashboard({ ...options, host })).rejects.toMatchObject({
          code: "dashboard_unprotected",
          exitCode: 2,
        });
      }
      await using open = await startDashboard({ ...options, host: "0.0.0.0", password: adminPassword });
      const { port } = new URL(open.url);
      expect((await fetch(`http://127.0.0.1:${port}/login`)).status).toBe(200);
    });

    describe("without a password", () => {
      test("everybody on this machine is an admin, and there is no log-in", async () => {
        expect((await dashboard.get("/")).status).toBe(200);
        expect((await dashboard.get("/login")).status).toBe(404);
        expect((await dashboard.send("PUT", "/board/api/queues/pause")).status).toBe(200);
        await dashboard.send("PUT", "/board/api/queues/resume");
      });

      test("another name that points at this machine is refused (DNS rebinding)", async () => {
        const { hostname, port } = new URL(dashboard.origin);
        expect(await statusFor(dashboard, `rebound.example:${port}`)).toBe(421);
        expect(await statusFor(dashboard, `${hostname}:${port}`)).toBe(200);
        expect(await statusFor(dashboard, `localhost:${port}`)).toBe(200);
      });
    });

    describe("with passwords", () => {
      test("a browser is sent to the log-in page and from there back to the requested page", async () => {
        const sent = await guarded.get("/quarantine/mini-m3?reason=odd", { accept: "text/html" });
        expect(sent.status).toBe(303);
        const login = sent.headers.get("location") ?? "";
        expect(login).toBe("/login?next=%2Fquarantine%2Fmini-m3%3Freason%3Dodd");
        expect(await (await guarded.get(login)).text()).toContain('value="/quarantine/mini-m3?reason=odd"');
        const form = new URLSearchParams({ password: adminPassword, next: "/quarantine/mini-m3?reason=odd" });
        const back = await guarded.send("POST", "/login", form);
        expect(back.headers.get("location")).toBe("/quarantine/mini-m3?reason=odd");
      });

      test.each([
        "//evil.example/",
        "https://evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "/.//evil.example/",
        "/x/..//evil.example",
        "/.\\\\evil.example",
        "/\t/evil.example",
      ])("log-in does not redirect to another site: %s", async (next) => {
        const answer = await guarded.send("POST", "/login", new URLSearchParams({ password: adminPassword, next }));
        expect(new URL(answer.headers.get("location") ?? "", guarded.origin).origin).toBe(guarded.origin);
      });

      test("a program gets a problem document instead", async () => {
        for (const path of ["/", "/events", "/board/api/queues", "/quarantine/mini-m3"]) {
          const answer = await guarded.get(path, { accept: "application/json" });
          expect([path, answer.status, answer.headers.get("content-type")]).toEqual([
            path,
            401,
            "application/problem+json; charset=utf-8",
          ]);
        }
      });

      test("the session's cookie is hidden from scripts and other sites and, behind a TLS proxy, from plain http", async () => {
        const attempt = (headers: Record<string, string>) =>
          guarded.send("POST", "/login", new URLSearchParams({ password: viewerPassword }), headers);
        const [plain] = (await attempt({})).headers.getSetCookie();
        expect(plain).toMatch(/^reembed_session_\d+=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
        expect(plain).toContain(`reembed_session_${new URL(guarded.origin).port}=`);
        const [secure] = (await attempt({ "x-forwarded-proto": "https" })).headers.getSetCookie();
        expect(secure).toMatch(/; Secure/);
      });

      test("a log-out ends the session itself, not only its cookie", async () => {
        const session = await logIn(guarded, adminPassword);
        expect((await guarded.get("/", session)).status).toBe(200);
        await guarded.send("POST", "/logout", undefined, session);
        expect((await guarded.get("/", { ...session, accept: "application/json" })).status).toBe(401);
      });

      test("an invented session is not accepted", async () => {
        const cookie = `reembed_session_${new URL(guarded.origin).port}=${"a".repeat(43)}`;
        expect((await guarded.get("/board/api/queues", { cookie, accept: "application/json" })).status).toBe(401);
      });

      test("a viewer can read every page and change nothing, with any method", async () => {
        const viewer = await logIn(guarded, viewerPassword);
        for (const path of ["/", "/quarantine/mini-m3", "/board", "/board/api/queues"]) {
          expect([path, (await guarded.get(path, viewer)).status]).toEqual([path, 200]);
        }
        const writes = [
          ["PUT", "/board/api/queues/embed-mini-m3/empty"],
          ["PUT", "/board/api/queues/embed-mini-m3/obliterate"],
          ["POST", "/board/api/queues/embed-mini-m3/add"],
          ["PATCH", "/board/api/queues/embed-mini-m3/1/update-data"],
          ["POST", "/steer/quarantine/mini-m3"],
          ["DELETE", "/"],
        ] as const;
        for (const [method, path] of writes) {
          expect([path, (await guarded.send(method, path, undefined, viewer)).status]).toEqual([path, 403]);
        }
      });

      test("an operator takes steps that can be undone, and leaves Bull Board's buttons to admins", async () => {
        const operator = await logIn(guarded, operatorPassword, "olga");
        const step = await (await guarded.get("/steer/bounds/BATCH_SIZE", operator)).text();
        expect(step).toContain('value="olga"');
        const form = new URLSearchParams({ value: "32", by: "olga", reason: "short texts" });
        expect((await guarded.send("POST", "/steer/bounds/BATCH_SIZE", form, operator)).status).toBe(303);
        expect((await readAudit(guarded.database, 1))[0]).toMatchObject({ by: "olga", as: "operator by password" });
        const refused = await guarded.send("PUT", "/board/api/queues/embed-mini-m3/empty", undefined, operator);
        expect([refused.status, await refused.json()]).toMatchObject([
          403,
          { detail: expect.stringContaining("admin") },
        ]);
      });

      test("the Bull Board of viewers and operators has no buttons that would be refused", async () => {
        const readOnly = async (password: string) => {
          const answer = await guarded.get("/board/api/queues", await logIn(guarded, password));
          const { queues } = (await answer.json()) as { queues: { readOnlyMode: boolean }[] };
          return queues.map((queue) => queue.readOnlyMode);
        };
        expect(await readOnly(viewerPassword)).toEqual([true, true]);
        expect(await readOnly(operatorPassword)).toEqual([true, true]);
        expect(await readOnly(adminPassword)).toEqual([false, false]);
      });

      test("behind a trusted proxy only the guessing client is blocked, not another one with the right password", async () => {
        await using strict = await openDashboard(servers, { password: adminPassword, trustedProxies: 1 });
        const attempt = async (password: string, client: string) => {
          const form = new URLSearchParams({ password });
          return (await strict.send("POST", "/login", form, { "x-forwarded-for": client })).status;
        };
        for (let tries = 0; tries < 10; tries++) expect(await attempt(`guess ${tries}`, "10.0.0.1")).toBe(401);
        expect(await attempt("another guess", "10.0.0.1")).toBe(429);
        expect(await attempt(adminPassword, "10.0.0.1")).toBe(429);
        expect(await attempt(adminPassword, "10.0.0.2")).toBe(303);
      });

      test("after ten wrong passwords none is checked for a while, not even the right one", async () => {
        await using strict = await openDashboard(servers, { password: adminPassword });
        // A different address in this header does not count as a different client.
        const attempt = (password: string, index: number) =>
          strict.send("POST", "/login", new URLSearchParams({ password }), { "x-forwarded-for": `10.0.0.${index}` });
        const statuses: number[] = [];
        for (let index = 0; index < 10; index++) statuses.push((await attempt("wrong", index)).status);
        expect(statuses).toEqual(Array(10).fill(401));
        expect((await attempt(adminPassword, 10)).status).toBe(429);
      });
    });

    describe("a change", () => {
      const add = JSON.stringify({ name: "backfill", data: {}, options: {} });
      const path = "/board/api/queues/embed-mini-m3/add";
      const jobs = async () => Object.values(await dashboard.queue.counts()).reduce((sum, count) => sum + count, 0);

      test.each([
        ["a text/plain POST of another page", { origin: "https://evil.example", "content-type": "text/plain" }],
        ["a POST of another page", { origin: "https://evil.example", "content-type": "application/json" }],
        ["another port of this machine", { origin: "http://127.0.0.1:1", "content-type": "application/json" }],
        ["a page without an origin", { origin: "null", "content-type": "application/json" }],
        ["what the browser calls cross-site", { "sec-fetch-site": "cross-site", "content-type": "application/json" }],
        ["what the browser calls same-site", { "sec-fetch-site": "same-site", "content-type": "application/json" }],
      ])("by %s is refused and changes nothing", async (_, headers) => {
        const answer = await dashboard.send("POST", path, add, headers as Record<string, string>);
        expect(answer.status).toBe(403);
        expect(await jobs()).toBe(0);
      });

      test("without any origin is also refused", async () => {
        const answer = await fetch(`${dashboard.origin}${path}`, {
          method: "POST",
          body: add,
          headers: { "content-type": "application/json" },
        });
        expect(answer.status).toBe(403);
      });

      test("from a page of the dashboard is accepted", async () => {
        const answer = await dashboard.send("POST", path, add, { "content-type": "application/json" });
        expect(answer.status).toBe(200);
        expect(await jobs()).toBe(1);
      });
    });
  },
  "PostgreSQL",
);

/** Sends a Host header, which `fetch` would set itself. */
async function statusFor({ origin }: TestDashboard, host: string): Promise<number | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
  get(origin, { headers: { host } }, (response) => {
    response.resume();
    resolve(response.statusCode);
  }).on("error", reject);
  return await promise;
}
