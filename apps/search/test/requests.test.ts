import { get } from "node:http";
import { createLogger } from "@reembed/runtime";
import { describeOnOneServer, type TestServers } from "@reembed/testing";
import { sql as sqlOf } from "drizzle-orm";
import { beforeAll, describe, expect, test } from "vitest";
import { startSearch } from "../src/search.ts";
import { openSearch, readEvents, type TestSearch, texts, valuesOf } from "./open-search.ts";

const secret = "Иван Грозный, диагноз";

describeOnOneServer(
  "requests to the search",
  (open) => {
    let servers: TestServers;
    let search: TestSearch;
    let guarded: TestSearch;
    beforeAll(async () => {
      servers = await open();
      search = await openSearch(servers);
      guarded = await openSearch(servers, { apiKey: "a-key-of-ours", host: "0.0.0.0", rateLimit: 5 });
      return async () => {
        await guarded[Symbol.asyncDispose]();
        await search[Symbol.asyncDispose]();
      };
    });

    const query = { query: secret };
    const deep = `{"query":"x","filter":{"metadata":{"a":${"[".repeat(9_000)}${"]".repeat(9_000)}}}}`;
    const sql = "'; drop table reembed.profiles; --";
    const liked = { requestId: "00000000-0000-4000-8000-000000000000", chunkId: 1, kind: "helpful" };
    const refused: [string, number, string, string, unknown][] = [
      ["half an object", 400, "invalid_json", "search", `{"query": "${secret}`],
      ["null", 400, "invalid_request", "search", "null"],
      ["null as feedback", 400, "invalid_request", "feedback", "null"],
      ["a list", 400, "invalid_request", "search", "[]"],
      ["no query", 400, "invalid_request", "search", {}],
      ["a blank query", 400, "invalid_request", "search", { query: " \n" }],
      ["a number as query", 400, "invalid_request", "search", { query: 7 }],
      ["a query with U+0000", 400, "invalid_request", "search", { query: `${secret}\0` }],
      ["4,001 characters", 400, "invalid_request", "search", { query: "x".repeat(4_001) }],
      ["100,000 characters", 413, "too_large", "search", { query: "x".repeat(100_000) }],
      ["limit 0", 400, "invalid_request", "search", { ...query, limit: 0 }],
      ["limit 201", 400, "invalid_request", "search", { ...query, limit: 201 }],
      ["a text as limit", 400, "invalid_request", "search", { ...query, limit: "5" }],
      ["threshold 2", 400, "invalid_request", "search", { ...query, threshold: 2 }],
      ["an empty subject", 400, "invalid_request", "search", { ...query, subject: "" }],
      ["an unknown setting", 400, "invalid_request", "search", { ...query, [secret]: 1 }],
      ["an unknown filter", 400, "invalid_request", "search", { ...query, filter: { owner: secret } }],
      ["a language with U+0000", 400, "invalid_request", "search", { ...query, filter: { language: "a\0" } }],
      ["a list as metadata", 400, "invalid_request", "search", { ...query, filter: { metadata: [secret] } }],
      ["metadata with U+0000", 400, "invalid_request", "search", { ...query, filter: { metadata: { a: "\0" } } }],
      ["much metadata", 400, "invalid_request", "search", { ...query, filter: { metadata: { a: "x".repeat(2_000) } } }],
      ["half a surrogate pair as subject", 400, "invalid_request", "search", { ...query, subject: "\ud800" }],
      [
        "half a surrogate pair as language",
        400,
        "invalid_request",
        "search",
        { ...query, filter: { language: "\ud83d" } },
      ],
      [
        "half a surrogate pair in metadata",
        400,
        "invalid_request",
        "search",
        { ...query, filter: { metadata: { a: ["\udc00"] } } },
      ],
      [
        "half a pair as a key of metadata",
        400,
        "invalid_request",
        "search",
        { ...query, filter: { metadata: { "\ud800": 1 } } },
      ],
      [
        "a number that is not finite in metadata",
        400,
        "invalid_request",
        "search",
        '{"query":"x","filter":{"metadata":{"a":1e999}}}',
      ],
      [
        "a number beyond 2^53 in metadata",
        400,
        "invalid_request",
        "search",
        '{"query":"x","filter":{"metadata":{"a":9007199254740993}}}',
      ],
      [
        "a number in metadata that would be read as 0",
        400,
        "invalid_request",
        "search",
        '{"query":"x","filter":{"metadata":{"a":1e-400}}}',
      ],
      ["a threshold that would be read as 0", 400, "invalid_request", "search", '{"query":"x","threshold":1e-400}'],
      [
        "a prototype as filter",
        400,
        "invalid_request",
        "search",
        '{"query":"x","filter":{"__proto__":{"language":"de"}}}',
      ],
      ["a prototype as setting", 400, "invalid_request", "search", '{"query":"x","__proto__":{"limit":1}}'],
      ["invalid UTF-8", 400, "not_utf8", "search", Buffer.from('{"query":"\xff"}', "latin1")],
      ["metadata 9,000 deep", 400, "invalid_json", "search", deep],
      ["SQL as profile", 400, "profile_unknown", "search", { ...query, profile: `${sql}${secret}` }],
      ["a property of objects as profile", 400, "profile_unknown", "search", { ...query, profile: "__proto__" }],
      ["feedback without a request", 400, "invalid_request", "feedback", { ...liked, requestId: "mine" }],
      ["feedback of another kind", 400, "invalid_request", "feedback", { ...liked, kind: secret }],
      ["feedback on half a chunk", 400, "invalid_request", "feedback", { ...liked, chunkId: 1.5 }],
      ["feedback on an impossible chunk", 400, "invalid_request", "feedback", { ...liked, chunkId: 1e300 }],
      ["feedback on an answer that was never given", 404, "answer_unknown", "feedback", liked],
      ["another address", 404, "not_found", "nothing", query],
    ];
    test.for(refused)("with %s are answered with %s %s", async ([, status, code, path, body]) => {
      const answer = await search.post(`/v1/${path}`, body);
      expect(answer.headers.get("content-type")).toMatch(/^application\/problem\+json/);
      const text = await answer.text();
      expect(JSON.parse(text)).toMatchObject({
        type: "about:blank",
        status,
        code,
        detail: expect.stringMatching(/\S/),
      });
      expect(answer.status).toBe(status);
      for (const leak of [secret, "select ", "reembed."]) expect(text).not.toContain(leak);
      expect(search.logged.join("\n")).not.toContain(secret);
    });

    test("a metadata filter of the greatest allowed depth is accepted, and finds nothing", async () => {
      const nested = `{"query":"x","profile":"mini-m3","filter":{"metadata":{"a":${"[".repeat(900)}${"]".repeat(900)}}}}`;
      const answer = await search.post("/v1/search", nested);
      expect([answer.status, ((await answer.json()) as { results: unknown[] }).results]).toEqual([200, []]);
    });

    test("a condition on a metadata key __proto__ works like any other", async () => {
      const asked = '{"query":"leave","threshold":-1,"profile":"mini-m3","filter":{"metadata":{"__proto__":{"id":1}}}}';
      expect(((await (await search.post("/v1/search", asked)).json()) as { results: unknown[] }).results).toEqual([]);
      await search.database.execute(sqlOf`
        update reembed.documents set metadata = metadata || '{"__proto__": {"id": 1}}' where uri = 'text-3'`);
      const { results } = (await (await search.post("/v1/search", asked)).json()) as { results: { uri: string }[] };
      expect(results.map(({ uri }) => uri)).toEqual(["text-3"]);
    });

    test("an invalid request is never recorded as an event of the profile that would have answered", async () => {
      await using own = await openSearch(await open());
      for (const [, status, , path, body] of refused) {
        if (path === "search") expect((await own.post("/v1/search", body)).status).toBe(status);
      }
      expect(await valuesOf(own.metrics.searches)).toEqual({});
      await own.disposeApp();
      expect(await readEvents(own.database)).toEqual([]);
    });

    test("bodies that are not JSON and other methods are refused, and the next search is answered", async () => {
      const plain = await search.post("/v1/search", query, { "content-type": "text/plain" });
      expect([plain.status, (await plain.json()) as object]).toEqual([
        415,
        expect.objectContaining({ code: "not_json" }),
      ]);
      const wrong = await search.get("/v1/search");
      expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "POST"]);
      expect((await search.ask({ query: texts[0], profile: "mini-m3" })).results).toHaveLength(1);
      expect(await readEvents(search.database)).toEqual([]);
    });

    describe("without a key", () => {
      test("are only accepted on loopback", async () => {
        const { origin, database, metrics } = search;
        const log = createLogger("silent");
        const options = { database, embedders: new Map(), metrics, log, port: 0, guardrails: {} as never };
        for (const host of ["0.0.0.0", "::"]) {
          const refused = { code: "search_unprotected", exitCode: 2 };
          await expect(startSearch({ ...options, host })).rejects.toMatchObject(refused);
        }
        const port = Number(new URL(origin).port);
        await expect(startSearch({ ...options, port })).rejects.toThrow(
          `The search cannot listen on 127.0.0.1:${port}`,
        );
      });

      test("must name this machine: another name that points at it is refused", async () => {
        expect(await statusFor(search, "rebound.example")).toBe(421);
        expect(await statusFor(search, "localhost")).toBe(200);
      });
    });

    test("must carry the key if there is one, and are limited per minute and address", async () => {
      const url = `http://127.0.0.1:${new URL(guarded.origin).port}/v1/rollout`;
      const status = async (authorization?: string) => {
        const response = await fetch(url, { headers: authorization === undefined ? {} : { authorization } });
        return response.status;
      };
      expect(await status()).toBe(401);
      expect(await status("Bearer a-key-of-others")).toBe(401);
      expect(await status("Basic a-key-of-ours")).toBe(401);
      expect(await status()).toBe(401);
      expect(await status()).toBe(401);
      const limited = await fetch(url);
      expect([limited.status, limited.headers.get("retry-after")]).toEqual([429, expect.stringMatching(/^\d+$/)]);
      expect(await limited.json()).toMatchObject({ code: "too_many_requests" });
      expect((await fetch(url.replace("/v1/rollout", "/readyz"))).status).toBe(429);
      // Health checks are not counted.
      expect((await fetch(url.replace("/v1/rollout", "/healthz"))).status).toBe(200);
    });
  },
  "PostgreSQL",
);

/** Sends a Host header, which `fetch` would set itself. */
async function statusFor({ origin }: TestSearch, host: string): Promise<number | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
  get(`${origin}/`, { headers: { host } }, (response) => {
    response.resume();
    resolve(response.statusCode);
  }).on("error", reject);
  return await promise;
}
