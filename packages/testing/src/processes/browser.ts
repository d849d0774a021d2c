import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { ReembedError } from "@reembed/core";
import { type Browser, chromium } from "playwright-core";

const names = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];
const usualPlaces = [
  "/usr/bin",
  "/usr/local/bin",
  "/snap/bin",
  "/opt/google/chrome",
  "/Applications/Chromium.app/Contents/MacOS",
  "/Applications/Google Chrome.app/Contents/MacOS",
];

/** Chromium or Chrome, on the PATH or in the usual places. */
function findChromium(): string | undefined {
  const folders = [...(process.env.PATH ?? "").split(delimiter), ...usualPlaces];
  const onMac = ["Chromium", "Google Chrome"];
  return folders.flatMap((folder) => [...names, ...onMac].map((name) => join(folder, name))).find(isExecutable);
}

/**
 * Why browser suites cannot run here and how to install what is missing; undefined if they can run.
 * @throws ReembedError `browser_missing` if `CI` is `true`, because then nothing may be skipped.
 */
export function browserUnavailable(): string | undefined {
  if (findChromium() !== undefined) return undefined;
  const reason = "Chromium is not installed. Install it with your package manager, or run scripts/install-services.sh.";
  if (process.env.CI !== "true") return reason;
  throw new ReembedError("browser_missing", `CI is true, so no suite may be skipped: ${reason}`);
}

/** Playwright's default of 30 s is too short while other suites keep the machine busy. */
const patienceMs = 120_000;

/**
 * Starts the system's Chromium without a window; the caller closes it.
 * @throws ReembedError `browser_missing`.
 */
export async function launchBrowser(): Promise<Browser & AsyncDisposable> {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new ReembedError("browser_missing", "Chromium is not installed.");
  // Chromium refuses to use its sandbox as root, as which it runs in most containers.
  const chromiumSandbox = process.getuid?.() !== 0;
  const browser = await chromium.launch({ executablePath, chromiumSandbox, timeout: patienceMs });
  browser.on("context", (context) => context.setDefaultTimeout(patienceMs));
  return browser;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
