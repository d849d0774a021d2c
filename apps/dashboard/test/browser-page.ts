import type { BrowserContext, Page } from "playwright-core";

/** What a page must not do: send requests to another host, or write an error to the console. */
export interface Misdeeds {
  foreignRequests: string[];
  errors: string[];
}

/** Opens a page and records its misdeeds from the first request on. */
export async function openWatchedPage(
  context: BrowserContext,
  origin: string,
): Promise<{ page: Page; misdeeds: Misdeeds }> {
  const misdeeds: Misdeeds = { foreignRequests: [], errors: [] };
  const page = await context.newPage();
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.origin !== origin && url.protocol !== "data:") misdeeds.foreignRequests.push(request.url());
  });
  page.on("console", (message) => {
    if (message.type() === "error") misdeeds.errors.push(message.text());
  });
  page.on("pageerror", (error) => misdeeds.errors.push(error.message));
  return { page, misdeeds };
}
