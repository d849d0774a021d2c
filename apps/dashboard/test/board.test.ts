import { readAudit } from "@reembed/migration/audit";
import { readStatus } from "@reembed/migration/status";
import { type EmbedBatch, EmbedQueues, startEmbedWorker } from "@reembed/queue";
import { describeOnEachServer, type TestServers, waitFor } from "@reembed/testing";
import { beforeAll, expect, test } from "vitest";
import { openDashboard, type TestDashboard } from "./open-dashboard.ts";

interface BoardQueue {
  name: string;
  jobs: { id: string; name: string; data: object; externalUrl?: { href: string } }[];
  pagination: { range: { start: number; end: number } };
}

const json = { "content-type": "application/json" };

// Run on both servers, because Bull Board reads BullMQ's two backends differently.
describeOnEachServer(
  "Bull Board",
  (open) => {
    const options = { concurrency: 8, lockDurationMs: 10_000, onError: () => {} };
    const work = async () => ({ embedded: 1, reused: 0, stale: 0, quarantined: 1, tokens: 700, truncatedTokens: 0 });
    let dashboard: TestDashboard;
    let startWork: () => ReturnType<typeof startEmbedWorker>;
    let servers: TestServers;
    beforeAll(async () => {
      servers = await open();
      dashboard = await openDashboard(servers);
      await dashboard.queue.enqueue(
        Array.from({ length: 120 }, (_, index) => ({
          profile: "mini-m3",
          kind: "backfill",
          chunkIds: [2 * index + 1, 2 * index + 2],
        })),
      );
      startWork = () => startEmbedWorker(servers.queue, "mini-m3", work, options);
      const worker = startWork();
      await waitFor("all batches", async () => (await dashboard.queue.bullmq.getCompletedCount()) === 120);
      await worker.close();
      return () => dashboard[Symbol.asyncDispose]();
    });

    async function queueAt(query: string): Promise<BoardQueue> {
      const answer = await dashboard.get(`/board/api/queues?activeQueue=embed-mini-m3&${query}`);
      const { queues } = (await answer.json()) as { queues: BoardQueue[] };
      const queue = queues.find(({ name }) => name === "embed-mini-m3");
      if (queue === undefined) throw new Error("no queue");
      return queue;
    }

    test("a batch's card says what it contains, what happened to it, and where its quarantined chunks are", async () => {
      const [job] = (await queueAt("status=completed")).jobs;
      expect(job?.name).toMatch(
        /^backfill of mini-m3: 2 chunks, 1 embedded, 1 quarantined, [\d,]+ chunks\/s, [\d,]+ tokens\/s$/,
      );
      expect(job?.data).toMatchObject({ profile: "mini-m3", kind: "backfill", chunks: 2 });
      expect(job?.externalUrl?.href).toBe("/quarantine/mini-m3");
    });

    test("the status and the overview report a queue that is paused or limited there, also the producer's", async () => {
      const send = async (path: string, body?: object) => {
        const answer = await dashboard.send("PUT", `/board/api/queues/${path}`, JSON.stringify(body ?? {}), json);
        expect(answer.status).toBe(200);
      };
      const told = async () => {
        await using queues = new EmbedQueues(servers.queue, () => {});
        const page = async () => await (await dashboard.get("/")).text();
        return { status: (await readStatus(dashboard.database, queues))[0]?.queueLimits, page: await page() };
      };
      expect((await told()).status).toBeNull();
      await send("embed-mini-m3/pause");
      await send("embed-mini-m3/rate-limit", { max: 5, duration: 2_500 });
      await send("producer/pause");
      const sentence = "The queue is paused and limited to 5 jobs in 2.5 s, as somebody has set it on Bull Board.";
      expect((await told()).status).toBe(sentence);
      const ticks = "The queue is paused, as somebody has set it on Bull Board. No ticks are made.";
      await waitFor("a page of now", async () => {
        const { page } = await told();
        return page.includes(sentence) && page.includes(ticks);
      });
      await send("embed-mini-m3/resume");
      await send("embed-mini-m3/rate-limit", { max: null });
      await send("producer/resume");
      expect((await told()).status).toBeNull();
    });

    test("an answer has at most a hundred jobs, whatever is requested", async () => {
      expect((await queueAt("status=completed&jobsPerPage=50000")).jobs.length).toBe(100);
      expect((await queueAt("status=completed&jobsPerPage=50000&jobsPerPage=50000")).jobs.length).toBe(100);
      expect((await queueAt("status=completed&jobsPerPage=1e9")).jobs.length).toBe(100);
      expect((await queueAt("status=completed&jobsPerPage=-5")).jobs.length).toBe(1);
      expect((await queueAt("status=completed&jobsPerPage=20&page=2")).pagination.range).toEqual({
        start: 20,
        end: 39,
      });
    });

    test("a job that is not a batch is shown as it is, whatever its data are", async () => {
      for (const data of [null, "text", { chunkIds: "1, 2" }, [1, 2]]) {
        await dashboard.queue.bullmq.add("odd", data as never);
      }
      const { jobs } = await queueAt("status=waiting");
      expect(jobs.map(({ name }) => name)).toEqual(["odd", "odd", "odd", "odd"]);
      await dashboard.queue.bullmq.drain();
    });

    test("a page before the first is the first", async () => {
      for (const page of ["-1", "0", "-99999999999999999999"]) {
        expect((await queueAt(`status=completed&page=${page}`)).pagination.range.start).toBe(0);
      }
    });

    test("errors are answered with a problem document, and the dashboard continues", async () => {
      const oversized = JSON.stringify({ name: "backfill", data: { filler: "x".repeat(1_000_000) } });
      const requests: [number, Promise<Response>][] = [
        [404, dashboard.get("/board/api/queues/embed-nobody/1")],
        [404, dashboard.get("/board/api/queues/embed-mini-m3/999999")],
        [404, dashboard.get("/board/api/nothing")],
        [400, dashboard.get("/board/api/queues?jobsPerPage=many")],
        [400, dashboard.get("/board/api/queues/%E0%A4%A/1")],
        [400, dashboard.send("POST", "/board/api/queues/embed-mini-m3/add", "{not json", json)],
        [413, dashboard.send("POST", "/board/api/queues/embed-mini-m3/add", oversized, json)],
      ];
      for (const [status, request] of requests) {
        const answer = await request;
        expect([answer.url, answer.status]).toEqual([answer.url, status]);
        expect(answer.headers.get("content-type")).toMatch(/^application\/problem\+json/);
        const problem = await answer.json();
        expect(problem).toMatchObject({ type: "about:blank", status, detail: expect.stringMatching(/\S/) });
        expect(JSON.stringify(problem)).not.toMatch(/node_modules|[.]js:\d/);
      }
      expect((await dashboard.get("/")).status).toBe(200);
    });

    test("its page loads nothing from another host, and its policy allows only our scripts", async () => {
      const answer = await dashboard.get("/board");
      expect(await answer.text()).not.toMatch(/(src|href)="(https?:)?\/\//);
      const policy = answer.headers.get("content-security-policy") ?? "";
      expect(policy).toContain("script-src 'self';");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(answer.headers.get("x-powered-by")).toBeNull();
    });

    test("an admin retries a failed job, removes one, and empties the queue, which is written down", async () => {
      const { bullmq } = dashboard.queue;
      const ofAnother: EmbedBatch = { profile: "another", kind: "backfill", chunkIds: [1] };
      const [first, second] = [await bullmq.add("backfill", ofAnother), await bullmq.add("backfill", ofAnother)];
      const worker = startWork();
      await waitFor("both to fail for good", async () => (await bullmq.getFailedCount()) === 2);
      await worker.close();
      const path = (id: string | undefined) => `/board/api/queues/embed-mini-m3/${id}`;
      expect((await dashboard.send("PUT", `${path(first.id)}/retry`, "{}", json)).ok).toBe(true);
      expect((await dashboard.send("PUT", `${path(second.id)}/clean`, "{}", json)).ok).toBe(true);
      expect(await dashboard.queue.counts()).toMatchObject({ waiting: 1, failed: 0 });
      expect((await dashboard.send("PUT", path("empty"), "{}", json)).ok).toBe(true);
      expect(await dashboard.queue.counts()).toMatchObject({ waiting: 0 });
      const [last] = await readAudit(dashboard.database, 1);
      expect(last).toMatchObject({ by: "admin of the dashboard", as: "admin by address", what: "Bull Board" });
      expect(last?.to).toBe("PUT /api/queues/embed-mini-m3/empty");
    });
  },
  ["embedded", "PostgreSQL and Redis"],
);
