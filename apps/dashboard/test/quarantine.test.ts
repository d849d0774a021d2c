import { storeDocuments } from "@reembed/store/corpus";
import type { Database } from "@reembed/store/database";
import { quarantineChunks, readPendingChunks } from "@reembed/store/embeddings";
import { readOperatorChanges } from "@reembed/store/operators";
import { readProfile } from "@reembed/store/profiles";
import { readCoverage, startBackfill } from "@reembed/store/progress";
import { describeOnOneServer, readBackfillIds } from "@reembed/testing";
import { beforeAll, expect, test } from "vitest";
import { openDashboard, type TestDashboard } from "./open-dashboard.ts";

const script = '<script>alert("x")</script>';
const escaped = "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;";

/** Puts all chunks of the corpus into quarantine, with the reasons in turn. */
async function quarantineAll(database: Database, reasons: readonly string[]): Promise<number[]> {
  await startBackfill(database, await readProfile(database, "mini-m3"));
  const profile = await readProfile(database, "mini-m3");
  const chunkIds = await readBackfillIds(database, profile, 1_000);
  const pending = await readPendingChunks(database, profile, chunkIds);
  const rejected = pending.map(({ id, contentHash }, index) => ({
    chunkId: id,
    contentHash,
    reason: reasons[index % reasons.length] ?? "",
    detail: `It holds ${script}.`,
  }));
  return await quarantineChunks(database, profile, rejected);
}

describeOnOneServer(
  "the quarantine's page",
  (open) => {
    let dashboard: TestDashboard;
    let chunkIds: number[];
    beforeAll(async () => {
      dashboard = await openDashboard(await open());
      const documents = Array.from({ length: 120 }, (_, index) => ({
        uri: `file:///${index}?${script}`,
        title: `${index} ${script}`,
        language: "en",
        body: `text ${index}`,
        metadata: {},
      }));
      await storeDocuments(dashboard.database, documents);
      chunkIds = (await quarantineAll(dashboard.database, ["odd & long", script])).toSorted((a, b) => a - b);
      return () => dashboard[Symbol.asyncDispose]();
    });
    const stepOf = (query: Record<string, string>) => `/steer/quarantine/mini-m3?${new URLSearchParams(query)}`;
    const retry = (query: Record<string, string>, form: Record<string, string> = {}) =>
      dashboard.send("POST", stepOf(query), new URLSearchParams({ by: "anna", reason: "a new model", ...form }));
    const coverage = async () => readCoverage(dashboard.database, await readProfile(dashboard.database, "mini-m3"));

    test("texts of documents and errors are escaped on every page", async () => {
      for (const path of ["/", "/quarantine/mini-m3", `/quarantine/mini-m3?reason=${encodeURIComponent(script)}`]) {
        const page = await (await dashboard.get(path)).text();
        expect(page).not.toContain(script);
        expect(page).toContain(escaped);
      }
    });

    test("it lists fifty chunks, each once, and links to the next fifty", async () => {
      const seen: string[] = [];
      let path: string | undefined = "/quarantine/mini-m3";
      while (path !== undefined) {
        const page: string = await (await dashboard.get(path)).text();
        const rows = [...page.matchAll(/<th scope="row" class="number">(\d+)<\/th>/g)].map((row) => row[1] ?? "");
        expect(rows.length).toBeLessThanOrEqual(50);
        seen.push(...rows);
        const [, next] = page.match(/<a href="([^"]*)">Next page<\/a>/) ?? [];
        path = next && `/${next.replaceAll("&amp;", "&")}`;
      }
      expect(seen.map(Number)).toEqual(chunkIds);
    });

    test("bad parameters and unknown names are answered with problem documents", async () => {
      const requests: [number, Promise<Response>][] = [
        [400, dashboard.get("/quarantine/mini-m3?after=1.5")],
        [400, dashboard.get("/quarantine/mini-m3?after=1e99")],
        [400, dashboard.get("/quarantine/mini-m3?reason=a&reason=b")],
        [400, dashboard.get("/quarantine/mini-m3?reason=%00")],
        [400, dashboard.get("/quarantine/%00")],
        [400, dashboard.get("/quarantine/%ff")],
        [400, retry({ reason: "\0" })],
        [404, dashboard.get(`/quarantine/${encodeURIComponent(script)}`)],
        [400, retry({})],
        [400, retry({ chunkId: "1; drop table" })],
        [400, retry({ chunkId: "1", reason: "odd & long" })],
        [404, retry({ chunkId: "999999999" })],
        [404, retry({ reason: "no such reason" })],
        [413, retry({ reason: "odd & long" }, { reason: "x".repeat(200_000) })],
      ];
      for (const [status, request] of requests) {
        const answer = await request;
        expect([answer.url, answer.status]).toEqual([answer.url, status]);
        expect(answer.headers.get("content-type")).toMatch(/^application\/problem\+json/);
        expect(await answer.json()).toMatchObject({ status, detail: expect.stringMatching(/\S/) });
      }
    });

    test("a browser gets the same as an escaped page", async () => {
      const answer = await dashboard.get(`/quarantine/${encodeURIComponent(script)}`, { accept: "text/html" });
      expect(answer.status).toBe(404);
      const page = await answer.text();
      expect(page).not.toContain(script);
      expect(page).toContain(`There is no profile ${escaped}.`);
    });

    test("a retry asks once, and says what it will do", async () => {
      const list = await (await dashboard.get(`/quarantine/mini-m3?reason=${encodeURIComponent("odd & long")}`)).text();
      expect(list).toContain('href="steer/quarantine/mini-m3?reason=odd+%26+long"');
      expect(list).toContain(`href="steer/quarantine/mini-m3?chunkId=${chunkIds[0]}&amp;from=odd+%26+long"`);
      const all = await (await dashboard.get(stepOf({ reason: "odd & long" }))).text();
      expect(all).toContain("<h1>Retry all 60 chunks with odd &amp; long</h1>");
      expect(all).toContain("Those that fail again come back into quarantine.");
      const one = await (await dashboard.get(stepOf({ chunkId: String(chunkIds[0]) }))).text();
      expect(one).toContain("Now: in quarantine with odd &amp; long, attempts: 1.");
      expect(one).toContain(escaped);
      expect(await coverage()).toMatchObject({ pending: 0, quarantined: 120 });
    });

    test("one chunk is retried, then all with its reason; all are pending again, and it is written down who did", async () => {
      const one = await retry({ chunkId: String(chunkIds[0]), from: "odd & long" });
      expect(one.status).toBe(303);
      expect(one.headers.get("location")).toBe("/quarantine/mini-m3?retried=1&reason=odd+%26+long");
      expect(await coverage()).toMatchObject({ pending: 1, changes: 1, quarantined: 119 });
      // The same button in an old page.
      expect((await retry({ chunkId: String(chunkIds[0]) })).status).toBe(404);
      const all = await retry({ reason: "odd & long" });
      expect(all.headers.get("location")).toBe("/quarantine/mini-m3?retried=59");
      expect(await coverage()).toMatchObject({ pending: 60, changes: 60, quarantined: 60 });
      const page = await (await dashboard.get(all.headers.get("location") ?? "")).text();
      expect(page).toContain("59 chunks will be enqueued again.");
      const changes = await readOperatorChanges(dashboard.database, 2);
      expect(
        changes.map(({ changedBy, changedAs, fromValue, reason }) => [changedBy, changedAs, fromValue, reason]),
      ).toEqual([
        ["anna", "admin by address", "odd & long", "a new model"],
        ["anna", "admin by address", `chunk ${chunkIds[0]}`, "a new model"],
      ]);
    });
  },
  "PostgreSQL",
);
