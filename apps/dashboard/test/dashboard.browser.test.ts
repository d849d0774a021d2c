import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { startProducer } from "@reembed/producer";
import { readProfile } from "@reembed/store/profiles";
import {
  browserUnavailable,
  describeOnEachServer,
  HashingEmbedder,
  launchBrowser,
  storeBodies,
  type TestServers,
  testProfile,
  waitFor,
} from "@reembed/testing";
import { startWorker } from "@reembed/worker";
import type { Browser, Page } from "playwright-core";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { openWatchedPage } from "./browser-page.ts";
import { adminPassword, log, openDashboard, type TestDashboard, viewerPassword } from "./open-dashboard.ts";

const missing = browserUnavailable();
const title = missing === undefined ? "in a browser" : `in a browser: skipped, ${missing}`;

describe.skipIf(missing !== undefined)(title, () => {
  describeOnEachServer("the dashboard", browserSuite, ["PostgreSQL and Redis"]);
});

function browserSuite(open: () => Promise<TestServers>): void {
  const profile = testProfile("mini-m3");
  const lockDurationMs = 10_000;
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
    return () => browser.close();
  });

  async function openPage({ origin }: TestDashboard): Promise<Page> {
    const context = await browser.newContext({ baseURL: origin });
    onTestFinished(() => context.close());
    const { page, misdeeds } = await openWatchedPage(context, origin);
    onTestFinished(() => expect(misdeeds).toEqual({ foreignRequests: [], errors: [] }));
    return page;
  }

  async function openDashboardFor(passwords?: Parameters<typeof openDashboard>[1]) {
    const servers = await open();
    const dashboard = await openDashboard(servers, passwords);
    onTestFinished(() => dashboard[Symbol.asyncDispose]());
    return { servers, dashboard };
  }

  test("the bar grows without a reload, a poisoned chunk appears with its reason, and its retry completes the profile", async () => {
    const { servers, dashboard } = await openDashboardFor();
    const { database } = dashboard;
    await storeBodies(database, [...Array.from({ length: 30 }, (_, index) => `text ${index}`), "poison"]);
    const page = await openPage(dashboard);
    await page.goto("/");
    const bar = page.getByRole("progressbar", { name: "mini-m3" });
    const percent = async () => Number(await bar.getAttribute("aria-valuenow"));
    expect(await percent()).toBe(0);

    // The model runs one micro-batch, and the others after the gate has opened.
    const gate = Promise.withResolvers<void>();
    let runs = 0;
    let poisonous = true;
    const beforeMicroBatch = async (texts: string[]) => {
      if (poisonous && texts.includes("poison")) throw new Error("the model chokes");
      if (++runs > 1) await gate.promise;
    };
    const embedder = new HashingEmbedder({ model: profile.model, beforeMicroBatch });
    const registered = await readProfile(database, profile.name);
    const options = { database, queue: servers.queue, lockDurationMs, log };
    const worker = await startWorker({ ...options, profile: registered, embedder, concurrency: 1 });
    onTestFinished(() => worker[Symbol.asyncDispose]());
    const producer = await startProducer({ ...options, tickMs: 100, batchSize: 64, maxQueuedJobs: 10 });
    onTestFinished(() => producer[Symbol.asyncDispose]());

    await waitFor("a part of the bar", async () => (await percent()) > 0);
    expect(await percent()).toBeLessThan(100);
    await page.getByRole("row", { name: /none/ }).waitFor();
    const jobs = page.getByRole("link", { name: "Jobs of mini-m3" });
    await jobs.focus();
    gate.resolve();

    const reason = page.getByRole("table", { name: "Quarantine" }).getByRole("link");
    await reason.waitFor();
    await waitFor("all but one", async () => (await percent()) > 96);
    // The page was rendered several times meanwhile.
    expect(await jobs.evaluate((link) => link.matches(":focus"))).toBe(true);
    await page.getByRole("img", { name: /at most [\d.]+ chunks\/s/ }).waitFor();

    poisonous = false;
    await reason.click();
    const row = page.getByRole("row", { name: /Text 30/ });
    await expect(row.textContent()).resolves.toContain("the model chokes");
    await row.getByRole("link", { name: /^Retry chunk \d+$/ }).click();
    await page.getByText("It was set aside because: ").waitFor();
    await page.getByLabel("Your name").fill("anna");
    await page.getByLabel("Why").fill("the model has changed");
    await page.getByRole("button", { name: /^Retry chunk \d+$/ }).click();
    await page.getByRole("status").filter({ hasText: "1 chunk will be enqueued again." }).waitFor();
    await page.getByRole("link", { name: "Overview" }).click();
    await waitFor("the whole bar", async () => (await percent()) === 100);
    await page.getByRole("status").filter({ hasText: "mini-m3 is complete." }).waitFor({ state: "attached" });
    await page.getByText("Nothing to do: every chunk has its vector").waitFor();
  });

  test("Bull Board shows a batch and opens it, without a foreign font and without an error", async () => {
    const { dashboard } = await openDashboardFor();
    await dashboard.queue.enqueue([{ profile: "mini-m3", kind: "backfill", chunkIds: [1, 2, 3] }]);
    const page = await openPage(dashboard);
    await page.goto("/board");
    await page.getByRole("link", { name: "embed-mini-m3" }).first().click();
    await page.getByText("backfill of mini-m3: 3 chunks").first().waitFor();
    await page.goto("/board/queue/embed-mini-m3/1");
    await page.getByText("chunkIds").first().waitFor();
  });

  test("a viewer logs in, sees everything, and cannot empty a queue", async () => {
    const { dashboard } = await openDashboardFor({ password: adminPassword, viewerPassword });
    await dashboard.queue.enqueue([{ profile: "mini-m3", kind: "backfill", chunkIds: [1] }]);
    const context = await browser.newContext({ baseURL: dashboard.origin });
    onTestFinished(() => context.close());
    const page = await context.newPage();
    await page.goto("/board/queue/embed-mini-m3");
    await page.getByLabel("Password").fill("a guess");
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByRole("alert").waitFor();
    await page.getByLabel("Password").fill(viewerPassword);
    await page.keyboard.press("Enter");
    await page.getByText("backfill of mini-m3: 1 chunks").first().waitFor();
    expect(await page.getByRole("button", { name: /clean|retry|empty|pause/i }).count()).toBe(0);

    const status = await page.evaluate(async () => {
      const answer = await fetch("/board/api/queues/embed-mini-m3/empty", { method: "PUT" });
      return answer.status;
    });
    expect(status).toBe(403);
    expect((await dashboard.queue.counts()).waiting).toBe(1);
    await page.goto("/");
    await page.getByRole("button", { name: "Log out (viewer)" }).click();
    await page.getByRole("heading", { name: "Log in" }).waitFor();
  });

  test("a page of another origin adds no job, by fetch or by form", async () => {
    const { dashboard } = await openDashboardFor();
    const target = `${dashboard.origin}/board/api/queues/embed-mini-m3/add`;
    const other = createServer((_, response) =>
      response.setHeader("content-type", "text/html").end(
        `<form method="post" action="${target}" enctype="text/plain"><input name='{"name":"' value='x","data":{}}'>
          <button>Send</button></form>`,
      ),
    ).listen(0, "127.0.0.1");
    await once(other, "listening");
    onTestFinished(() => void other.close());
    const context = await browser.newContext();
    onTestFinished(() => context.close());
    const page = await context.newPage();
    await page.goto(`http://127.0.0.1:${(other.address() as AddressInfo).port}/`);
    await page.evaluate(
      (url) =>
        fetch(url, { method: "POST", mode: "no-cors", body: '{"name":"backfill","data":{}}' }).then(
          () => "done",
          () => "kept from the page",
        ),
      target,
    );
    const [answer] = await Promise.all([
      page.waitForResponse(target),
      page.getByRole("button", { name: "Send" }).click(),
    ]);
    expect(answer.status()).toBe(403);
    const counts = await dashboard.queue.counts();
    expect(Object.values(counts)).toEqual([0, 0, 0, 0]);
  });

  test("the first Tab reaches a link that skips to the content, and the focused element is marked", async () => {
    const { dashboard } = await openDashboardFor();
    const page = await openPage(dashboard);
    await page.goto("/");
    await page.keyboard.press("Tab");
    expect(await page.getByRole("link", { name: "Skip to content" }).evaluate((link) => link.matches(":focus"))).toBe(
      true,
    );
    expect(await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")).toBe("solid");
    for (const landmark of ["banner", "navigation", "main"] as const) await page.getByRole(landmark).waitFor();
  });
}
