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
  /** The command's whole environment, in addition to PATH: the tester's own variables are not passed on. */
  environment?: Record<string, string>;
  /** The working folder; by default a new empty one. */
  cwd?: string;
  /** The user to run as, if this process is root. */
  uid?: number;
  /** The Node to start it with; by default ours. */
  node?: string;
}

/** Runs `reembed` as a user does, and waits until it ends. */
export async function runReembed(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  await using scope = new AsyncDisposableStack();
  const cwd = options.cwd ?? (await emptyFolder(scope));
  const child = spawn(options.node ?? process.execPath, [reembed, ...args], {
    cwd,
    env: { PATH: process.env.PATH, ...options.environment },
    stdio: ["ignore", "pipe", "pipe"],
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
    // With as many busy processes as this machine has cores, twenty concurrent commands have taken 50 s to start.
    timeout: 200_000,
  });
  const ended = once(child, "close");
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = (await ended) as [number | null];
  return { code, stdout, stderr };
}

/** Parses the output of `--json`: throws unless every line of stdout is one object. */
export function jsonLines<Line = Record<string, unknown>>({ stdout }: Outcome): Line[] {
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
}

/** The variables with the addresses of these servers. */
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
