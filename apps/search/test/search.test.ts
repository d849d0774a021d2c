import { servingProfile } from "@reembed/core";
import { readRollout, rolloutBucket } from "@reembed/store/rollout";
import { describeOnOneServer, HashingEmbedder, type TestServers, waitFor } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { beforeAll, expect, test } from "vitest";
import { baseline, candidate, openSearch, readEvents, type TestSearch, texts, valuesOf } from "./open-search.ts";

describeOnOneServer(
  "the search",
  (open) => {
    let servers: TestServers;
    let search: TestSearch;
    beforeAll(async () => {
      servers = await open();
      search = await openSearch(servers);
      return () => search[Symbol.asyncDispose]();
    });

    test("answers with the baseline's chunks, and settings of the request override the profile's", async () => {
      const answer = await search.ask({ query: "business trips", subject: "ann" });
      expect(answer).toMatchObject({ profile: baseline.name, requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) });
      expect(answer.tookMs).toBeGreaterThan(0);
      expect(answer.results).toEqual([
        {
          chunkId: expect.any(Number),
          sourceId: null,
          documentId: expect.any(Number),
          uri: "text-2",
          title: "Text 2",
          metadata: { owner: { id: 2 }, tags: ["all", "tag-2"] },
          content: "business trips",
          start: 0,
          end: 14,
          score: expect.closeTo(1, 3),
        },
      ]);
      const all = await search.ask({ query: "business trips", threshold: -1 });
      expect(all.results.map(({ uri }) => uri).sort()).toEqual(texts.map((_, index) => `text-${index}`));
      expect((await search.ask({ query: "business trips", threshold: -1, limit: 2 })).results).toHaveLength(2);
      expect((await search.ask({ query: "nothing of the kind" })).results).toEqual([]);
    });

    test("answers concurrent queries with two profiles, each query with its own", async () => {
      const requests = Array.from({ length: 24 }, (_, index) => ({
        query: texts[index % texts.length] ?? "",
        profile: index % 3 === 0 ? baseline.name : candidate.name,
      }));
      const answers = await Promise.all(requests.map((request) => search.ask(request)));
      const told = answers.map(({ profile, results }) => ({ profile, query: results[0]?.content }));
      expect(told).toEqual(requests);
    });

    test("finds only documents with the filter's language and metadata", async () => {
      const found = async (filter: object) => {
        const { results } = await search.ask({ query: "leave", threshold: -1, filter });
        return results.map(({ uri }) => uri).sort();
      };
      expect(await found({ language: "ru" })).toEqual(["text-1", "text-3"]);
      expect(await found({ metadata: { owner: { id: 2 } } })).toEqual(["text-2"]);
      expect(await found({ language: "ru", metadata: { tags: ["tag-3", "all"] } })).toEqual(["text-3"]);
      expect(await found({ metadata: { owner: { id: "2" } } })).toEqual([]);
      expect(await found({ language: "ru' or true --" })).toEqual([]);
    });

    test("embeds a repeated query once with each model", async () => {
      const before = await valuesOf(search.metrics.queryVectors);
      const model = (of: string, source: string) => `${of} ${source}`;
      await Promise.all(
        Array.from({ length: 10 }, () => search.ask({ query: " asked often ", profile: candidate.name })),
      );
      await search.ask({ query: "asked often", profile: baseline.name });
      const after = await valuesOf(search.metrics.queryVectors);
      const grown = (key: string) => (after[key] ?? 0) - (before[key] ?? 0);
      expect(grown(model(candidate.name, "model"))).toBe(1);
      expect(grown(model(candidate.name, "cache"))).toBe(9);
      expect(grown(model(baseline.name, "model"))).toBe(1);
    });

    test("records traffic (after the answer) and feedback, but no comparisons and no texts of queries", async () => {
      const compared = await search.ask({ query: "sick leave", profile: candidate.name });
      const { requestId, results } = await search.ask({ query: "sick leave", threshold: -1 });
      const feedback = { requestId, chunkId: results[0]?.chunkId, kind: "helpful" };
      expect((await search.post("/v1/feedback", feedback)).status).toBe(204);
      // Invented feedback counts nowhere: of another chunk, and of a comparison, which no user has seen.
      for (const invented of [
        { ...feedback, chunkId: 1e9 },
        { ...feedback, requestId: compared.requestId },
      ]) {
        const answer = await search.post("/v1/feedback", { ...invented, kind: "unhelpful" });
        expect([answer.status, (await answer.json()) as object]).toEqual([
          404,
          expect.objectContaining({ code: "answer_unknown" }),
        ]);
      }
      const event = await waitFor("the event", async () => {
        const rows = await readEvents(search.database);
        return rows.find((row) => row.request_id === requestId);
      });
      expect(event).toMatchObject({ profile: baseline.name, shadow_of: null, query: null, results: 4, error: null });
      expect(event.chunk_ids.map(Number)).toEqual(results.map(({ chunkId }) => chunkId));
      expect(event.scores[0]).toBeCloseTo(1, 3);
      const events = await readEvents(search.database);
      expect(events.map(({ request_id }) => request_id)).not.toContain(compared.requestId);
      const { rows } = await search.database.execute(
        sql`select request_id, chunk_id, kind from reembed.search_feedback`,
      );
      expect(rows).toEqual([{ request_id: requestId, chunk_id: `${feedback.chunkId}`, kind: "helpful" }]);
    });

    test("a rollout routes each subject the same way in every process, also when its share grows, and processes follow it", async () => {
      await using other = await openSearch(servers);
      const apps = [search, other];
      const subjects = Array.from({ length: 20 }, (_, index) => `subject ${index}`);
      const takenAt: string[][] = [];
      let before = subjects.map(() => baseline.name);
      for (const percent of [30, 60, 0]) {
        await search.roll({ percent });
        const rollout = await readRollout(search.database);
        const expected = subjects.map((subject) => servingProfile(rollout, rolloutBucket(subject, rollout.salt)));
        const moved = expected.findIndex((profile, index) => profile !== before[index]);
        for (const app of apps) {
          const request = { query: "leave", subject: subjects[moved] };
          await waitFor("the change", async () => (await app.ask(request)).profile === expected[moved]);
        }
        for (const app of apps) {
          const answers = await Promise.all(subjects.map((subject) => app.ask({ query: "leave", subject })));
          expect(answers.map(({ profile }) => profile)).toEqual(expected);
        }
        takenAt.push(subjects.filter((_, index) => expected[index] === candidate.name));
        before = expected;
      }
      expect(takenAt[1]).toEqual(expect.arrayContaining(takenAt[0] ?? []));
      expect(takenAt[2]).toEqual([]);

      // Without a subject, each request is routed by itself.
      await search.roll({ percent: 50 });
      const seen = new Set<string>();
      await waitFor("both", async () => seen.add((await search.ask({ query: "leave" })).profile).size === 2);
      await search.roll({ percent: 0 });
    });

    test("a baseline that is being built is refused with its progress, but answers if requested by name; with LOG_QUERIES texts are recorded", async () => {
      await using own = await openSearch(await open(), { unembedded: [baseline.name], logQueries: true });
      const refused = await own.post("/v1/search", { query: "'; drop table reembed.chunks; --" });
      expect(refused.status).toBe(503);
      expect(refused.headers.get("retry-after")).toBe("1");
      expect(await refused.json()).toMatchObject({
        code: "profile_uncovered",
        detail: `${baseline.name} is being built: 0.0 % of its chunks are embedded, and it needs 99.9 % to answer.`,
      });
      expect((await own.ask({ query: "leave", profile: baseline.name })).results).toEqual([]);
      // After it was complete once, later chunks do not stop the search, even if its backfill starts again for them.
      await own.database.execute(sql`update reembed.profiles set completed_at = now() where name = ${baseline.name}`);
      const ask = () => own.post("/v1/search", { query: "half a pair: \ud83d" });
      await waitFor("an answer", async () => (await ask()).ok);

      // Empty, because of a filter of the client's own: it is no event that a guardrail could count.
      const { results } = await own.ask({ query: "leave", filter: { language: "none" } });
      expect(results).toEqual([]);

      // The last events are recorded at the end.
      await own.disposeApp();
      const events = await readEvents(own.database);
      const [first, last] = [events[0], events.at(-1)];
      expect([first?.query, first?.error]).toEqual(["'; drop table reembed.chunks; --", "profile_uncovered"]);
      expect([last?.query, last?.error]).toEqual(["half a pair: \ufffd", null]);
    });

    test("repeated readiness checks run its models once, and if there is a key they need it", async () => {
      let runs = 0;
      const counting = new HashingEmbedder({
        model: candidate.model,
        async beforeMicroBatch() {
          runs++;
        },
      });
      await using own = await openSearch(await open(), { embedders: [counting], apiKey: "a-key-of-ours" });
      const ready = async (headers = {}) => (await own.get("/readyz", headers)).status;
      expect(await Promise.all(Array.from({ length: 20 }, () => ready()))).toEqual(Array(20).fill(401));
      expect(runs).toBe(0);
      const key = { authorization: "Bearer a-key-of-ours" };
      expect(await Promise.all(Array.from({ length: 20 }, () => ready(key)))).toEqual(Array(20).fill(200));
      expect(await ready(key)).toBe(200);
      expect(runs).toBe(1);
    });

    test("counts requests by the client's address if the proxy is trusted", async () => {
      await using own = await openSearch(await open(), { rateLimit: 2, trustedProxies: ["127.0.0.0/8"] });
      const ask = async (client: string) => (await own.get("/v1/rollout", { "x-forwarded-for": client })).status;
      expect([await ask("10.0.0.1"), await ask("10.0.0.1"), await ask("10.0.0.1")]).toEqual([200, 200, 429]);
      expect(await ask("10.0.0.2")).toBe(200);
      // What a client writes into the header comes before what the proxy adds.
      expect(await ask("10.0.0.9, 10.0.0.1")).toBe(429);
    });

    test("serves health, readiness and metrics on a port of their own", async () => {
      expect(await (await search.get("/healthz")).text()).toMatch(/^ok, Reembed \d+\.\d+\.\d+\n$/);
      expect(await (await search.get("/readyz")).json()).toEqual({
        ready: true,
        checks: { database: "ok", model: "ok" },
      });
      const metrics = await (await search.get("/metrics")).text();
      expect(metrics).toContain(`reembed_searches_total{profile="${baseline.name}",outcome="answered"}`);
    });
  },
  "PostgreSQL",
);
