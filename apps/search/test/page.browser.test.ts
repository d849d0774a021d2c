import {
  browserUnavailable,
  describeOnEachServer,
  HashingEmbedder,
  launchBrowser,
  startSubPathProxy,
  type TestServers,
} from "@reembed/testing";
import type { Browser, Page } from "playwright-core";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { candidate, openSearch, type TestSearch, type TestSearchOptions } from "./open-search.ts";

const missing = browserUnavailable();
const title = missing === undefined ? "in a browser" : `in a browser: skipped, ${missing}`;

describe.skipIf(missing !== undefined)(title, () => {
  describeOnEachServer("the page of the search", browserSuite, ["PostgreSQL"]);
});

function browserSuite(open: () => Promise<TestServers>): void {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
    return () => browser.close();
  });

  async function openPage(options: TestSearchOptions = {}): Promise<{ search: TestSearch; page: Page }> {
    const search = await openSearch(await open(), options);
    onTestFinished(() => search[Symbol.asyncDispose]());
    const page = await browser.newPage({ baseURL: search.origin });
    onTestFinished(() => page.close());
    const misdeeds: string[] = [];
    page.on("pageerror", (error) => misdeeds.push(error.message));
    page.on("request", (request) => {
      if (new URL(request.url()).origin !== search.origin) misdeeds.push(request.url());
    });
    page.on("console", (message) => {
      // A refused request is a network error, not an error of the page.
      if (message.type() === "error" && !message.text().startsWith("Failed to load")) misdeeds.push(message.text());
    });
    onTestFinished(() => expect(misdeeds).toEqual([]));
    return { search, page };
  }

  test("shows both answers side by side with missing, new and moved documents, using only the keyboard", async () => {
    const { search, page } = await openPage();
    const body = '<img src=x onerror="alert(1)"> sick leave';
    await search.database.$client.query(
      `update reembed."chunks_1500-150" set content = $1 where content = 'sick leave'`,
      [body],
    );
    await page.goto("/");
    await page.getByText("mini-rubert answers everybody").waitFor();
    await page.keyboard.press("Tab");
    expect(await page.getByRole("link", { name: "Skip to results" }).evaluate((link) => link.matches(":focus"))).toBe(
      true,
    );
    await page.keyboard.press("Tab");
    const box = page.getByRole("searchbox", { name: "Query" });
    expect(await box.evaluate((input) => input.matches(":focus"))).toBe(true);
    await page.keyboard.type("sick leave");
    await page.keyboard.press("Enter");

    await page
      .getByRole("status")
      .filter({ hasText: "1 result from the baseline, 1 result from the candidate; 1 document in common." })
      .waitFor();
    const [before, after] = [
      page.getByRole("region", { name: "mini-rubert" }),
      page.getByRole("region", { name: "mini-m3" }),
    ];
    for (const side of [before, after]) {
      const [result] = await side.getByRole("listitem").all();
      expect(await result?.getByRole("heading", { level: 3 }).textContent()).toBe("Text 3");
      expect(await result?.textContent()).toContain("in the same place on both sides");
      expect(await result?.textContent()).toContain("1.000");
      expect(await side.textContent()).toContain("1 result in");
    }
    await before.getByText("100 % embedded").waitFor();
    await before.locator("summary").press("Enter");
    expect(await before.locator("details p").textContent()).toBe(body);
    expect(await page.locator("li img").count()).toBe(0);
    expect(await box.evaluate((input) => input.matches(":focus"))).toBe(false);

    // The address contains the search.
    expect(new URL(page.url()).searchParams.get("q")).toBe("sick leave");
    await search.database.$client.query(`delete from reembed."chunks_6000-300" where content = 'leave of absence'`);
    await page.goto("/?q=leave+of+absence");
    await before.getByText("not in the candidate's answer").waitFor({ state: "attached" });
    await page.goBack();
    await before.getByText("in the same place on both sides").waitFor({ state: "attached" });
    expect(await box.inputValue()).toBe("sick leave");
  });

  test.each([
    ["removes the path", true],
    ["keeps the path", false],
  ])("works below a path of another site if the proxy %s", async (_, strips) => {
    const search = await openSearch(await open(), { basePath: "/find", apiKey: "a-key-of-ours" });
    onTestFinished(() => search[Symbol.asyncDispose]());
    const proxy = await startSubPathProxy(search.origin, { path: "/find", strips });
    onTestFinished(() => proxy[Symbol.asyncDispose]());
    const page = await browser.newPage({ baseURL: proxy.origin });
    onTestFinished(() => page.close());
    await page.goto("/find");
    await page.getByLabel("Key of this search").fill("a-key-of-ours");
    await page.getByRole("searchbox").fill("sick leave");
    await page.getByRole("button", { name: "Search" }).click();
    await page.getByRole("status").filter({ hasText: "1 document in common." }).waitFor();
    expect(new URL(page.url()).pathname).toBe("/find/");
    const rules = await page.evaluate("[...document.styleSheets].map(({ cssRules }) => cssRules.length)");
    expect(rules).toEqual([expect.any(Number), expect.any(Number)]);
    expect(proxy.strays).toEqual([]);
  });

  test("asks for the key if there is one, and shows one side's answer if the other side fails", async () => {
    const another = new HashingEmbedder({ model: { ...candidate.model, revision: "another" } });
    const { page } = await openPage({ apiKey: "a-key-of-ours", embedders: [another] });
    await page.goto("/");
    const key = page.getByLabel("Key of this search");
    await page.getByRole("status").filter({ hasText: "Send the key" }).waitFor();
    await key.fill("a-key-of-ours");
    await page.getByRole("searchbox").fill("business trips");
    await page.getByRole("button", { name: "Search" }).click();
    await page.getByRole("region", { name: "mini-m3" }).getByText("has not loaded mini-m3 at revision").waitFor();
    await page
      .getByRole("region", { name: "mini-rubert" })
      .getByText("not in the candidate's answer")
      .waitFor({ state: "attached" });
  });
}
