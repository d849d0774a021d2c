import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describeOnOneServer, type TestServers } from "@reembed/testing";
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
import { createApp } from "../src/app.ts";
import { describeApi } from "../src/description/describe-api.ts";
import { openSearch, type TestSearch, texts } from "./open-search.ts";

const description = describeApi();
const operations = openDescription(description);
const withBody = operations.filter(({ body }) => body !== undefined);
const notHere = schemathesisUnavailable === undefined ? "" : ` (${schemathesisUnavailable})`;
const key = "a-key-of-ours";

test("docs/openapi/search.json is what the search serves; npx vitest -u writes it anew", async () => {
  await expect(`${JSON.stringify(description, null, 2)}\n`).toMatchFileSnapshot("../../../docs/openapi/search.json");
});

test("every route of the search is described, and nothing else is", () => {
  const settings = { rateLimit: 0, trustedProxies: undefined, onLoopback: true, basePath: "", apiKey: undefined };
  const routes = listRoutes(() => createApp({ ...settings, checks: {} } as never), { called: "" });
  const described = operations.map(({ name }) => name);
  expect(described.filter((route) => !routes.includes(route))).toEqual([]);
  // A path that is described refuses other methods.
  const paths = new Set(routes.map((route) => route.split(" ")[1] ?? ""));
  expect([...paths].toSorted()).toEqual(Object.keys(description.paths).toSorted());
});

describeOnOneServer(
  "the description of the search",
  (open) => {
    let servers: TestServers;
    let search: TestSearch;
    beforeAll(async () => {
      servers = await open();
      search = await openSearch(servers);
      return () => search[Symbol.asyncDispose]();
    });

    const send = (of: TestSearch, { method, path }: DescribedOperation, init: RequestInit = {}) =>
      fetch(`${of.origin}${path}`, { method: method.toUpperCase(), ...init });
    const asJson = (body: unknown) => ({
      body: typeof body === "string" ? body : JSON.stringify(body),
      headers: { "content-type": "application/json" },
    });

    test.each(operations)("says what $method $path answers to its example", async (operation) => {
      let body = operation.body?.example;
      if (operation.path === "/v1/feedback") {
        const { requestId, results } = await search.ask({ query: texts[0] });
        body = { ...(body as object), requestId, chunkId: results[0]?.chunkId };
      }
      expect(operation.allows(body)).toBe(true);
      const status = Number(Object.keys(operation.operation.responses)[0]);
      await expectDescribed(operation, await send(search, operation, body === undefined ? {} : asJson(body)), status);
    });

    test("is served without a key, with the public path, and refuses other methods", async () => {
      await using own = await openSearch(servers, { apiKey: key, basePath: "/search" });
      const served = await own.get("/openapi.json");
      expect(await served.json()).toEqual(JSON.parse(JSON.stringify(describeApi("/search"))));
      for (const [path, described] of Object.entries(description.paths)) {
        for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE"].filter(
          (name) => !(name.toLowerCase() in described),
        )) {
          const answer = await fetch(`${search.origin}${path}`, { method });
          expect([path, method, answer.status]).toEqual([path, method, 405]);
          expect(answer.headers.get("allow")).toMatch("get" in described ? /^GET, HEAD$/ : /^POST$/);
        }
      }
    });

    test("says how a request is refused that has no key, another content type or too long a body, or is one too many", async () => {
      await using guarded = await openSearch(servers, { apiKey: key });
      await using limited = await openSearch(servers, { rateLimit: 1 });
      for (const operation of operations.filter(({ operation }) => operation.security !== undefined)) {
        await expectDescribed(operation, await send(guarded, operation), 401);
        await send(limited, operation);
        await expectDescribed(operation, await send(limited, operation), 429);
      }
      for (const operation of withBody) {
        await expectDescribed(operation, await send(search, operation, { body: "a=b" }), 415);
        const strange = { body: "{}", headers: { "content-type": "application/json; charset=x" } };
        await expectDescribed(operation, await send(search, operation, strange), 415);
        await expectDescribed(operation, await send(search, operation, asJson({ query: "x".repeat(100_000) })), 413);
        await expectDescribed(operation, await send(search, operation, asJson('{"query":')), 400);
      }
    });

    test("has an example in docs/http.md, which searches and gives feedback", async () => {
      await using guarded = await openSearch(servers, { apiKey: key });
      const env = { ...process.env, SEARCH_URL: guarded.origin, SEARCH_API_KEY: key };
      const parameters = ["--input-type=module", "--eval", readExample("search")];
      const { stdout } = await promisify(execFile)(process.execPath, parameters, { env });
      expect(stdout).toContain("mini-rubert [ [ 'text-1', ");
    });

    test.skipIf(schemathesisUnavailable)(`holds before Schemathesis${notHere}`, async () => {
      await runSchemathesis(search.origin);
    });

    test("says how a search is refused whose baseline is not there yet", async () => {
      await using own = await openSearch(await open(), { unembedded: ["mini-rubert"] });
      for (const operation of withBody.filter(({ path }) => path === "/v1/search")) {
        await expectDescribed(operation, await send(own, operation, asJson({ query: "leave" })), 503);
      }
    });

    test.each(withBody)(
      "says what $method $path answers to any body that it allows, and that others are refused",
      async (operation) => {
        const { schema = {} } = operation.body ?? {};
        const bodies = fc.oneof(allowedBody(schema), changedBody(schema), fc.jsonValue());
        const sendOne = async (body: unknown) => {
          // As it is read: -0 becomes 0.
          const sent = JSON.stringify(body);
          const response = await send(search, operation, asJson(sent));
          const { code } = response.ok ? {} : ((await response.clone().json()) as { code?: string });
          const allowed = operation.allows(JSON.parse(sent));
          if (allowed) expect([sent, code]).not.toEqual([sent, "invalid_request"]);
          else expect([sent, code]).toEqual([sent, "invalid_request"]);
          await expectDescribed(operation, response);
        };
        // Many at once, because feedback on an answer that is not there waits for a second.
        const together = fc.array(bodies, { minLength: 40, maxLength: 40 });
        const answers = fc.asyncProperty(together, async (sent) => void (await Promise.all(sent.map(sendOne))));
        await fc.assert(answers, { numRuns: 5 });
      },
    );
  },
  "PostgreSQL",
);
