import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import type { TestServers } from "@reembed/testing";

export const reembed = fileURLToPath(new URL("../bin/reembed.mjs", import.meta.url));

/** The stand-in profiles, whose models ship in the repository. */
export const standIns = { BASELINE_PROFILE: "mini-rubert", CANDIDATE_PROFILE: "mini-m3" };

export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  /** All that reaches the command but PATH: the tester's own variables do not. */
  environment?: Record<string, string>;
  /** Where it runs; an empty folder of its own unless told otherwise. */
  cwd?: string;
  /** The user that it runs as, where this is root. */
  uid?: number;
  /** The Node that it is started with; ours unless told otherwise. */
  node?: string;
}

/** Runs `reembed` as a user does, and waits for its end. */
export async function runReembed(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  await using scope = new AsyncDisposableStack();
  const cwd = options.cwd ?? (await emptyFolder(scope));
  const child = spawn(options.node ?? process.execPath, [reembed, ...args], {
    cwd,
    env: { PATH: process.env.PATH, ...options.environment },
    stdio: ["ignore", "pipe", "pipe"],
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
    // Beside as many busy processes as this machine has cores, twenty commands at once have taken 50 s to start.
    timeout: 200_000,
  });
  const ended = once(child, "close");
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = (await ended) as [number | null];
  return { code, stdout, stderr };
}

/** What `--json` printed: every line of stdout is one object, or this throws. */
export function jsonLines<Line = Record<string, unknown>>({ stdout }: Outcome): Line[] {
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
}

/** The variables that lead a command to these servers. */
export function addressesOf({ connectionString, queue }: TestServers): Record<string, string> {
  return queue.kind === "redis"
    ? { DATABASE_URL: connectionString, REDIS_URL: queue.url }
    : { DATABASE_URL: connectionString };
}

async function emptyFolder(scope: AsyncDisposableStack): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "reembed-cli-"));
  scope.defer(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
