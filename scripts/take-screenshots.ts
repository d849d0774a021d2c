import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { launchBrowser, waitFor } from "@reembed/testing";

// Takes the README's pictures from a running demo:
//   node scripts/take-screenshots.ts
const images = fileURLToPath(new URL("../docs/images", import.meta.url));
await mkdir(images, { recursive: true });
const folder = await mkdtemp(join(tmpdir(), "reembed-screenshots-"));
const demo = startDemo();
const said = createInterface({ input: demo.stderr ?? process.stdin })[Symbol.asyncIterator]();
try {
  const dashboard = await readAddress(/watch the progress at (\S+)/);
  await using browser = await launchBrowser();
  const page = await browser.newPage({ viewport: { width: 1150, height: 700 } });

  await page.goto(dashboard);
  const bar = page.getByRole("progressbar", { name: "mini-m3" });
  await waitFor("the middle of it", async () => Number(await bar.getAttribute("aria-valuenow")) > 60);
  await page.screenshot({ path: join(images, "overview.png"), fullPage: true });

  await page.goto(new URL("board/queue/embed-mini-m3?status=completed", dashboard).href);
  await page.getByText("backfill of mini-m3").first().waitFor();
  await page.screenshot({ path: join(images, "board.png") });

  const search = await readAddress(/^Search +(\S+)/);
  await page.goto(new URL("?q=когда выплачивают зарплату", search).href);
  await page.getByText("documents in common").waitFor();
  await page.screenshot({ path: join(images, "search.png") });
} finally {
  const ended = once(demo, "exit");
  if (demo.pid !== undefined) process.kill(-demo.pid, "SIGTERM");
  await ended;
  await rm(folder, { recursive: true, force: true });
}

/** Starts a slow demo, two batches per profile every half second, in a process group that is ended as a whole. */
function startDemo(): ChildProcess {
  const slow = { BATCH_SIZE: "16", MAX_QUEUED_JOBS: "2", TICK_SECONDS: "0.5" };
  const alone = {
    REEMBED_DIR: folder,
    DASHBOARD_PORT: "0",
    SEARCH_PORT: "0",
    DATABASE_URL: "",
    REDIS_URL: "",
    LOG_LEVEL: "error",
  };
  const env = { ...process.env, ...slow, ...alone };
  return spawn("npm", ["run", "--silent", "demo"], { env, stdio: ["ignore", "ignore", "pipe"], detached: true });
}

/** The address in the demo's next line that matches. */
async function readAddress(place: RegExp): Promise<string> {
  for (let line = await said.next(); !line.done; line = await said.next()) {
    const [, address] = place.exec(line.value) ?? [];
    if (address !== undefined) return address;
  }
  throw new Error("The demo ended before it served a page.");
}
