import { quarantineChunks, readPendingChunks } from "@reembed/store/embeddings";
import { readProfile } from "@reembed/store/profiles";
import {
  browserUnavailable,
  describeOnOneServer,
  launchBrowser,
  startSubPathProxy,
  storeBodies,
  waitFor,
} from "@reembed/testing";
import { sql } from "drizzle-orm";
import type { Browser } from "playwright-core";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { openWatchedPage } from "./browser-page.ts";
import { adminPassword, openDashboard } from "./open-dashboard.ts";

const missing = browserUnavailable();
const title = missing === undefined ? "in a browser" : `in a browser: skipped, ${missing}`;
const path = "/tools/reembed";

describe.skipIf(missing !== undefined)(title, () => {
  describeOnOneServer("the dashboard below a path of another site", (open) => {
    let browser: Browser;
    beforeAll(async () => {
      browser = await launchBrowser();
      return () => browser.close();
    });

    test.each([
      ["removes the path", true],
      ["keeps the path", false],
    ])("works completely if the proxy %s", async (_, strips) => {
      const dashboard = await openDashboard(await open(), { password: adminPassword, basePath: path });
      onTestFinished(() => dashboard[Symbol.asyncDispose]());
      const { database } = dashboard;
      await storeBodies(database, ["a text", "poison"]);
      await database.execute(sql`update reembed.profiles set state = 'backfilling'`);
      const profile = await readProfile(database, "mini-m3");
      const { rows } = await database.execute<{ id: string }>(
        sql`select id from reembed.chunks where content = 'poison'`,
      );
      const [chunk] = await readPendingChunks(database, profile, [Number(rows[0]?.id)]);
      if (chunk === undefined) throw new Error("There is no chunk to quarantine");
      await quarantineChunks(database, profile, [
        { chunkId: chunk.id, contentHash: chunk.contentHash, reason: "odd reason", detail: "chokes" },
      ]);
      await dashboard.queue.enqueue([{ profile: "mini-m3", kind: "backfill", chunkIds: [1, 2, 3] }]);
      const proxy = await startSubPathProxy(dashboard.origin, { path, strips });
      onTestFinished(() => proxy[Symbol.asyncDispose]());
      const context = await browser.newContext({ baseURL: proxy.origin });
      onTestFinished(() => context.close());
      const { page, misdeeds } = await openWatchedPage(context, proxy.origin);
      const at = () => new URL(page.url()).pathname;

      await page.goto(`${path}/quarantine/mini-m3`);
      expect(at()).toBe(`${path}/login`);
      await page.getByLabel("Password").fill(adminPassword);
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "Quarantine of mini-m3" }).waitFor();
      const [cookie] = await context.cookies();
      expect(cookie?.path).toBe(path);
      await page.getByRole("link", { name: /^odd reason/ }).click();
      await page.getByRole("link", { name: "Retry chunk" }).click();
      await page.getByLabel("Your name").fill("anna");
      await page.getByLabel("Why").fill("the model has changed");
      await page.getByRole("button", { name: "Retry chunk" }).click();
      await page.getByRole("status").filter({ hasText: "1 chunk will be enqueued again." }).waitFor();
      await page.getByRole("link", { name: "Skip to content" }).press("Enter");
      expect([at(), new URL(page.url()).hash]).toEqual([`${path}/quarantine/mini-m3`, "#main"]);

      await page.getByRole("link", { name: "Overview" }).click();
      expect(at()).toBe(`${path}/`);
      await page.getByRole("img", { name: /at most [\d.]+ chunks\/s/ }).waitFor();
      await page.getByRole("link", { name: "Pause the backfill of mini-m3" }).click();
      await page.getByLabel("Your name").fill("anna");
      await page.getByLabel("Why").fill("the disk is full");
      await page.getByRole("button", { name: "Pause the backfill of mini-m3" }).click();
      await page.getByText("Paused: changes are still embedded.").waitFor();
      // The page updates from its events, without being loaded again.
      await database.execute(sql`update reembed.profiles set paused = false`);
      await page.getByText("Backfilling: oldest first.").waitFor();

      // The pause has withdrawn the batch.
      await dashboard.queue.enqueue([{ profile: "mini-m3", kind: "backfill", chunkIds: [1, 2, 3] }]);
      await page.getByRole("link", { name: "Jobs of mini-m3" }).click();
      await page.getByText("backfill of mini-m3: 3 chunks").first().waitFor();
      await page.goto(`${path}/board`);
      await page.getByRole("link", { name: "embed-mini-m3" }).first().click();
      await waitFor("the queue's page", () => at() === `${path}/board/queue/embed-mini-m3`);
      await page.goto(`${path}/nowhere`);
      await page.getByRole("link", { name: "Back to the overview" }).click();
      expect(at()).toBe(`${path}/`);
      await page.getByRole("button", { name: "Log out (admin)" }).click();
      await page.getByRole("heading", { name: "Log in" }).waitFor();
      await page.goto(path);
      expect(at()).toBe(`${path}/login`);
      expect(proxy.strays).toEqual([]);
      expect(misdeeds.foreignRequests).toEqual([]);
      // The browser logs the missing page as an error, which is expected here.
      expect(misdeeds.errors.filter((error) => !error.includes("404"))).toEqual([]);
    });
  });
});
