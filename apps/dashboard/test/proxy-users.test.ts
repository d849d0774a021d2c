import { get } from "node:http";
import { readAudit } from "@reembed/migration/audit";
import { describeOnOneServer, type TestServers } from "@reembed/testing";
import { beforeAll, expect, test } from "vitest";
import { logIn, openDashboard, passwords, type TestDashboard } from "./open-dashboard.ts";

const json = { accept: "application/json" };
const anna = { "x-forwarded-user": "anna" };

describeOnOneServer(
  "a user whom a proxy tells",
  (open) => {
    let servers: TestServers;
    let proxied: TestDashboard;
    beforeAll(async () => {
      servers = await open();
      proxied = await openDashboard(servers, { ...passwords, userProxies: ["127.0.0.0/8"], userRole: "operator" });
      return () => proxied[Symbol.asyncDispose]();
    });

    test("is believed only from an address of such a proxy, whatever other headers say", async () => {
      expect((await proxied.get("/", { ...json, ...anna })).status).toBe(200);
      const other = {
        ...passwords,
        userProxies: ["10.9.9.9", "::2/128"],
        userRole: "admin",
        trustedProxies: 1,
      } as const;
      await using elsewhere = await openDashboard(servers, other);
      const others: Record<string, string>[] = [{}, { "x-forwarded-for": "10.9.9.9" }, { forwarded: "for=10.9.9.9" }];
      for (const spoofed of others) {
        expect((await elsewhere.get("/", { ...json, ...anna, ...spoofed })).status).toBe(401);
      }
      await using off = await openDashboard(servers, passwords);
      expect((await off.get("/", { ...json, ...anna })).status).toBe(401);
    });

    test("has the role of the setting, a viewer's by default, and is named in what is changed", async () => {
      const step = await (await proxied.get("/steer/bounds/BATCH_SIZE", anna)).text();
      expect(step).toContain("Written down with your name, anna.");
      expect(step).not.toContain('name="by"');
      const form = new URLSearchParams({ value: "32", reason: "short texts", by: "ben" });
      expect((await proxied.send("POST", "/steer/bounds/BATCH_SIZE", form, anna)).status).toBe(303);
      expect((await readAudit(proxied.database, 1))[0]).toMatchObject({
        by: "anna",
        as: "operator by proxy",
        to: "32",
      });
      expect((await proxied.send("PUT", "/board/api/queues/pause", undefined, anna)).status).toBe(403);
      await using cautious = await openDashboard(servers, { ...passwords, userProxies: ["127.0.0.1"] });
      expect((await cautious.get("/steer/bounds/BATCH_SIZE", { ...json, ...anna })).status).toBe(403);
    });

    test("still needs a page of the dashboard for a change, because a browser sends the proxy's cookie from any page", async () => {
      const foreign = { ...anna, origin: "https://elsewhere.example" };
      expect((await proxied.send("POST", "/steer/rollout/rollback", undefined, foreign)).status).toBe(403);
    });

    test("may log in with a password to be more, and keeps the name", async () => {
      const session = await logIn(proxied, passwords.password, "somebody else", anna);
      const page = await (await proxied.get("/", { ...session, ...anna })).text();
      expect(page).toContain("Log out (anna, admin)");
      // Who signs in at the proxy afterwards, in the same browser, has a role of their own.
      const next = await proxied.get("/", { ...session, "x-forwarded-user": "ben" });
      expect(await next.text()).toContain("ben, operator");
      expect(await (await proxied.get("/", anna)).text()).toContain("anna, operator");
    });

    test("is nobody if the header is empty, there twice, or one of Reembed's own names", async () => {
      for (const name of ["", "  ", "guardrail", "environment", "x".repeat(101)]) {
        expect([name, (await proxied.get("/", { ...json, "x-forwarded-user": name })).status]).toEqual([name, 401]);
      }
      expect(await statusWith(proxied, ["mallory", "anna"])).toBe(401);
    });
  },
  "PostgreSQL",
);

/** Sends the header in several lines, which `fetch` would join. */
async function statusWith({ origin }: TestDashboard, users: string[]): Promise<number | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
  get(origin, { headers: { ...json, "x-forwarded-user": users } }, (response) => {
    response.resume();
    resolve(response.statusCode);
  }).on("error", reject);
  return await promise;
}
