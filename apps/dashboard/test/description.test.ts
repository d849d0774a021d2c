import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";
import { createToken } from "@reembed/migration/access";
import { EmbedQueues, TickQueue } from "@reembed/queue";
import { registerProfiles } from "@reembed/store/registration";
import { ensureRollout } from "@reembed/store/rollout";
import { describeOnOneServer, type TestServers, testProfile } from "@reembed/testing";
import {
  allowedBody,
  changedBody,
  type DescribedOperation,
  expectDescribed,
  listRoutes,
  openDescription,
  readExample,
  runSchemathesis,
  schemathesisUnavailable,
} from "@reembed/testing/http";
import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { Access } from "../src/access/access.ts";
import { createApp } from "../src/app.ts";
import { describeApi } from "../src/description/describe-api.ts";
import { log, openDashboard, passwords, steering, type TestDashboard } from "./open-dashboard.ts";

const description = describeApi();
const operations = openDescription(description);
const steps = operations.filter(({ path }) => path.startsWith("/steer/"));

/** Routes that are not described, because they are pages for people or parts of them. Bull Board's are its own. */
const pages = [
  ...["GET /", "GET /events", "GET /changes/", "GET /quarantine/{profile}", "GET /steer/bounds"],
  ...["GET /login", "POST /login", "POST /logout"],
  ...["GET /assets/idiomorph.js", "GET /assets/uplot.css", "GET /assets/uplot.js"],
];

/** What the example of an operation is answered with, where that is not 200: nothing is embedded or in quarantine here. */
const expected: Record<string, number> = {
  "GET /steer/quarantine/{profile}": 404,
  "POST /steer/quarantine/{profile}": 404,
  "POST /steer/index/{profile}": 409,
  "POST /steer/verification/{profile}": 409,
};

test("docs/openapi/dashboard.json is what the dashboard serves; npx vitest -u writes it anew", async () => {
  await expect(`${JSON.stringify(description, null, 2)}\n`).toMatchFileSnapshot("../../../docs/openapi/dashboard.json");
});

describeOnOneServer(
  "the description of the dashboard",
  (open) => {
    let servers: TestServers;
    let dashboard: TestDashboard;
    let operator: Record<string, string>;
    let viewer: Record<string, string>;
    beforeAll(async () => {
      servers = await open();
      dashboard = await openDashboard(servers, passwords);
      await registerProfiles(dashboard.database, [testProfile("mini-rubert")]);
      await ensureRollout(dashboard.database, { baseline: "mini-rubert", candidate: "mini-m3" });
      const tokenOf = async (role: "viewer" | "operator") => {
        const token = await createToken(dashboard.database, { name: role, role, expiresAt: null, by: "anna" });
        return { authorization: `Bearer ${token}` };
      };
      operator = await tokenOf("operator");
      viewer = await tokenOf("viewer");
      return () => dashboard[Symbol.asyncDispose]();
    });

    /** Sends a request to an operation, whose path has these values or those of its examples. */
    const send = (
      { method, path, operation }: DescribedOperation,
      { values = {}, form, headers = operator }: { values?: Record<string, string>; form?: unknown; headers?: object },
    ) => {
      const given = { profile: "mini-m3", ...values } as Record<string, string>;
      const query = new URLSearchParams();
      let address = path;
      for (const { name, in: place, example = "expression_failed" } of operation.parameters ?? []) {
        const value = given[name] ?? example;
        address = address.replace(`{${name}}`, encodeURIComponent(value));
        if (place === "query" && (name !== "chunkId" || name in given)) query.set(name, value);
      }
      const body = form === undefined ? null : new URLSearchParams(asFields(form));
      const url = `${dashboard.origin}${address}?${query}`;
      return fetch(url, { method: method.toUpperCase(), headers: { ...headers }, body, redirect: "manual" });
    };

    test("leaves out no route but the pages for people", async () => {
      await using queues = new EmbedQueues(servers.queue, () => {});
      await using ticks = new TickQueue(servers.queue, () => {});
      const { database } = dashboard;
      const access = new Access({ database, passwords: { admin: passwords.password } });
      const sources = { database, queues, ticks, steering, access, log, poll: undefined as never, onSteered: () => {} };
      const settings = { trustedProxies: undefined, onLoopback: true, basePath: "" };
      const routes = listRoutes(() => createApp({ ...sources, ...settings }), { called: "/board" })
        .map((route) => route.replaceAll(/:(\w+)/g, "{$1}"))
        .filter((route) => !/^\w+ \/board\//.test(route));
      expect(routes).toEqual([...operations.map(({ name }) => name), ...pages].toSorted());
    });

    test.skipIf(curlUnavailable)(
      "has an example in docs/http.md, which shows a step and takes it (with curl)",
      async () => {
        const example = readExample("dashboard").replaceAll("bge-m3", "mini-m3");
        const token = operator.authorization?.replace("Bearer ", "");
        const env = { ...process.env, DASHBOARD_URL: dashboard.origin, TOKEN: token };
        const { stdout } = await promisify(execFile)("bash", ["-ec", example], { env });
        expect(stdout).toMatch(
          /^\{"title":"Start the backfill of mini-m3",.*\{"done":"Start the backfill of mini-m3"\}$/,
        );
      },
    );

    test.skipIf(schemathesisUnavailable)(`holds before Schemathesis${notHere}`, async () => {
      // A change without a token is refused with 403, because a page of another site could send it, and so are other methods.
      const without = ["missing_required_header", "unsupported_method"];
      await runSchemathesis(dashboard.origin, { token: operator.authorization?.replace("Bearer ", "") ?? "", without });
    });

    test.each(operations)("says what $method $path answers to its example", async (operation) => {
      const form = operation.body?.example;
      expect(operation.allows(form)).toBe(true);
      await expectDescribed(operation, await send(operation, { form }), expected[operation.name] ?? 200);
    });

    test.each(steps)("says how $method $path refuses whoever may not, and what is not there", async (operation) => {
      const form = operation.body?.example;
      await expectDescribed(operation, await send(operation, { form, headers: { authorization: "Bearer none" } }), 401);
      await expectDescribed(operation, await send(operation, { form, headers: viewer }), 403);
      await expectDescribed(
        operation,
        await send(operation, { form, values: { profile: "none", action: "none", name: "none" } }),
      );
      if (operation.method === "get") return;
      await expectDescribed(operation, await send(operation, { form: {} }), 400);
      await expectDescribed(operation, await send(operation, { form: { reason: "x".repeat(200_000) } }), 413);
      await expectDescribed(operation, await send(operation, { form: { reason: "x", seen: "something else" } }));
      const type = { "content-type": "application/x-www-form-urlencoded; charset=x" };
      await expectDescribed(operation, await send(operation, { form, headers: { ...operator, ...type } }), 415);
    });

    test.each(steps)("says what $method $path answers to any form and address", async (operation) => {
      const { schema = { type: "object", properties: { reason: { type: "string" } } } } = operation.body ?? {};
      const form =
        operation.body === undefined ? fc.constant(undefined) : fc.oneof(allowedBody(schema), changedBody(schema));
      const odd = fc.oneof(
        fc.constantFrom("mini-m3", "start", "pause", "10", "rollback", "__proto__", "\0"),
        fc.string(),
      );
      const value = odd.filter((text) => /[^.]/.test(text) && text.isWellFormed());
      const names = (operation.operation.parameters ?? []).map(({ name }) => name);
      const values = fc.record(Object.fromEntries(names.map((name) => [name, value])), { requiredKeys: [] });
      const answers = fc.asyncProperty(fc.record({ form, values }), async ({ form, values }) => {
        const response = await send(operation, { form, values: values as Record<string, string> });
        expect(response.status).toBeLessThan(500);
        await expectDescribed(operation, response);
      });
      await fc.assert(answers, { numRuns: 40 });
    });
  },
  "PostgreSQL",
);

const notHere = schemathesisUnavailable === undefined ? "" : ` (${schemathesisUnavailable})`;
const curlUnavailable = spawnSync("curl", ["--version"]).error !== undefined;

/** A body as a form has it: every value a text. */
function asFields(form: unknown): [string, string][] {
  return Object.entries(form as object).map(([name, value]) => [
    name.toWellFormed(),
    (typeof value === "string" ? value : (JSON.stringify(value) ?? "")).toWellFormed(),
  ]);
}
