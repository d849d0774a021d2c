import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { launchBrowser } from "../packages/testing/src/browser.ts";
import { waitFor } from "../packages/testing/src/wait-for.ts";

// Takes the README's pictures from a running demo:
//   node scripts/take-screenshots.ts
const images = fileURLToPath(new URL("../docs/images", import.meta.url));
await mkdir(images, { recursive: true });
const folder = await mkdtemp(join(tmpdir(), "reembed-screenshots-"));
const demo = startDemo();
try {
  const origin = await readOrigin(demo);
  await using browser = await launchBrowser();
  const page = await browser.newPage({ baseURL: origin, viewport: { width: 1150, height: 700 } });

  await page.goto("/");
  const bar = page.getByRole("progressbar", { name: "mini-rubert" });
  await waitFor("the middle of it", async () => Number(await bar.getAttribute("aria-valuenow")) > 60);
  await page.screenshot({ path: join(images, "overview.png"), fullPage: true });

  await page.goto("/board/queue/embed-mini-m3?status=completed");
  await page.getByText("backfill of mini-m3").first().waitFor();
  await page.screenshot({ path: join(images, "board.png") });
} finally {
  const ended = once(demo, "exit");
  if (demo.pid !== undefined) process.kill(-demo.pid, "SIGTERM");
  await ended;
  await rm(folder, { recursive: true, force: true });
}

/** So slow that there is something to see: two batches of each profile every half second. A group, to be ended whole. */
function startDemo(): ChildProcess {
  const slow = { BATCH_SIZE: "16", MAX_QUEUED_JOBS: "2", TICK_SECONDS: "0.5" };
  const alone = { REEMBED_DIR: folder, DASHBOARD_PORT: "0", DATABASE_URL: "", REDIS_URL: "", LOG_LEVEL: "error" };
  const env = { ...process.env, ...slow, ...alone };
  return spawn("npm", ["run", "--silent", "demo"], { env, stdio: ["ignore", "ignore", "pipe"], detached: true });
}

async function readOrigin({ stderr }: ChildProcess): Promise<string> {
  if (stderr === null) throw new Error("The demo's messages are not piped.");
  for await (const line of createInterface(stderr)) {
    const [url] = line.match(/http:\/\/127\.0\.0\.1:\d+/) ?? [];
    if (url === undefined) continue;
    // Whatever else it says must not fill the pipe.
    stderr.resume();
    return url;
  }
  throw new Error("The demo ended before it served anything.");
}
