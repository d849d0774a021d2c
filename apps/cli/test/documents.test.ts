import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { withPercent } from "@reembed/core";
import type { EvaluationReport } from "@reembed/migration/evaluate";
import type { MigrationPlan } from "@reembed/migration/plan";
import type { MigrationReport } from "@reembed/migration/report";
import { storeDocuments } from "@reembed/store/corpus";
import { recordEvaluation } from "@reembed/store/evaluation";
import { addThroughput } from "@reembed/store/progress";
import { changeRollout, ensureRollout, guardrailName, readRollout } from "@reembed/store/rollout";
import {
  browserUnavailable,
  describeOnOneServer,
  findViolations,
  folderOf,
  launchBrowser,
  openTestDatabase,
  type TestServers,
  testProfile,
} from "@reembed/testing";
import pg from "pg";
import { expect, onTestFinished, test } from "vitest";
import { addressesOf, jsonLines, runReembed, standIns } from "./run-reembed.ts";

const hostile = "<img src=x onerror='document.title=1'>";

/** Opens a document as a file, without a network, and returns what is wrong with it. */
async function inspect(
  path: string,
): Promise<{ violations: string[]; requests: string[]; sideways: boolean[]; text: string }> {
  const browser = await launchBrowser();
  onTestFinished(() => browser.close());
  const seen = { violations: [] as string[], requests: [] as string[], sideways: [] as boolean[], text: "" };
  for (const colorScheme of ["light", "dark"] as const) {
    for (const width of [390, 1_100]) {
      const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme, offline: true });
      const page = await context.newPage();
      page.on("request", (request) => seen.requests.push(request.url()));
      page.on("console", (message) => seen.violations.push(message.text()));
      await page.goto(pathToFileURL(path).href);
      seen.violations.push(...(await findViolations(page)));
      seen.sideways.push(
        await page.evaluate<boolean>("document.documentElement.scrollWidth > document.documentElement.clientWidth"),
      );
      seen.text = await page.locator("body").innerText();
      await context.close();
    }
  }
  const own = pathToFileURL(path).href;
  return { ...seen, requests: seen.requests.filter((url) => url !== own && !url.startsWith("data:")) };
}

const clean = { violations: [], requests: [], sideways: [false, false, false, false] };

describeOnOneServer(
  "a document",
  (open) => {
    async function begin(statements: string) {
      const servers: TestServers = await open({ empty: true });
      const client = new pg.Client(servers);
      await client.connect();
      await client.query(statements);
      await client.end();
      const environment = { ...standIns, ...addressesOf(servers), LOG_LEVEL: "warn" };
      return (...args: string[]) => runReembed(args, { environment });
    }

    test("of a plan is one file that shows hostile names as text, in both colour schemes and on a narrow screen", async () => {
      const run = await begin(`
        create extension vector;
        create table "${hostile}" (id int primary key, content text, "دليل" vector(312));
        insert into "${hostile}" select g, 'note ' || g, array_fill(1, array[312])::vector
          from generate_series(1, 20) g;
        create table archive (note text, remark text, vec halfvec(700));`);
      const path = join(await folderOf({}), "plan.html");
      const { code, stdout, stderr } = await run("plan", "--seconds", "1", "--output", path);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).toMatch(/^chunks +20 +counted$/m);
      expect(await readFile(path, "utf8")).not.toContain("<img");
      if (browserUnavailable() !== undefined) return;
      const { text, ...seen } = await inspect(path);
      expect(seen).toEqual(clean);
      expect(text).toContain(hostile);
      expect(text).toContain("npx reembed rollout shadow 20");
    });

    test("of a plan is not written with --json, and a database that nobody named is not planned for", async () => {
      const run = await begin("create extension vector");
      expect(jsonLines<MigrationPlan>(await run("plan", "--json"))).toMatchObject([
        { tables: [], chosen: null, commands: [] },
      ]);
      expect(await runReembed(["plan"], { environment: standIns })).toMatchObject({
        code: 2,
        stderr: expect.stringContaining("DATABASE_URL is not set"),
      });
      expect(await run("plan", "--output", "/nonexistent/plan.html")).toMatchObject({
        code: 2,
        stderr: expect.stringContaining("Give another file with --output."),
      });
    });

    test("of a migration shows its stage, course, proofs, quality and incidents, and no secret", async () => {
      const servers = await open();
      const environment = {
        ...standIns,
        ...addressesOf(servers),
        LOG_LEVEL: "error",
        DASHBOARD_PASSWORD: "correct horse battery",
      };
      const run = (...args: string[]) => runReembed(args, { environment });
      await using database = await openTestDatabase(servers, [testProfile("mini-rubert"), testProfile("mini-m3")]);
      await ensureRollout(database, { baseline: "mini-rubert", candidate: "mini-m3" });
      await storeDocuments(database, [
        { uri: "a", title: hostile, language: "en", body: "The payslip is sent on the fifth day.", metadata: {} },
        { uri: "b", title: "دليل الموظف", language: "ar", body: "Отпуск длится 28 дней.", metadata: {} },
      ]);
      await addThroughput(database, "mini-m3", { chunks: 2, tokens: 20 });
      const begun = await readRollout(database);
      await changeRollout(database, begun, withPercent(begun, 10), { by: hostile, reason: "first people" });
      const canary = await readRollout(database);
      const failed = { by: guardrailName, reason: "10.0 % of 300 searches failed" };
      await changeRollout(database, canary, { ...begun, stage: "rolled back" }, failed);
      expect(await run("verify")).toMatchObject({ code: 3 });
      const example = (query: string) => ({
        ...{ query, language: "ar", ndcg: { baseline: 0.2, candidate: 0.9 } },
        ...{ baseline: [{ uri: "a", title: hostile }], candidate: [{ uri: "b", title: "دليل الموظف" }] },
      });
      const side = (profile: string) => ({
        profile,
        model: profile,
        chunking: "1500-150",
        chunks: 2,
        limit: 25,
        threshold: 0.4,
      });
      const report: EvaluationReport = {
        ...{ version: "0.1.0", baseline: side("mini-rubert"), candidate: side("mini-m3"), verdict: "unjudged" },
        ...{ queries: { source: "given", count: 2, answerable: 0, unanswerable: 0 }, search: "exact", quality: null },
        ...{ causes: null, proxies: null, agreement: null, thresholds: null, notes: [hostile] },
        examples: { better: [example("متى تُدفع الرواتب؟")], worse: [example(hostile)], changed: [] },
      };
      await recordEvaluation(database, {
        baseline: "mini-rubert",
        candidate: "mini-m3",
        verdict: "unjudged",
        report: { ...report },
      });

      const path = join(await folderOf({}), "report.html");
      const { code, stdout, stderr } = await run("report", "--output", path);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).toContain("The migration from mini-rubert to mini-m3 is");
      const source = await readFile(path, "utf8");
      expect(source).not.toMatch(/<img|correct horse/);
      const [printed] = jsonLines<MigrationReport>(await run("report", "--json"));
      expect(printed).toMatchObject({
        migration: { rolledBack: { by: guardrailName } },
        events: [{}, {}],
        course: { parts: [{}] },
      });
      if (browserUnavailable() !== undefined) return;
      const { text, ...seen } = await inspect(path);
      expect(seen).toEqual(clean);
      for (const shown of [
        ...[
          "It was rolled back by guardrail",
          "mini-m3 is not proven: 2 chunks are not embedded yet.",
          "متى تُدفع الرواتب؟",
        ],
        ...["10.0 % of 300 searches failed", "Never verified", "tokenizer.json", hostile],
      ]) {
        expect(text).toContain(shown);
      }
    });
  },
  "PostgreSQL",
);
