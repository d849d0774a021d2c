import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "@reembed/runtime";

export interface SuperviseOptions {
  /** Arguments of each process, after the path of this script. */
  members: readonly string[][];
  log: Logger;
  /** Resolves when the processes must end. */
  stopped: Promise<NodeJS.Signals>;
}

const firstBackoffMs = 1_000;
const longestBackoffMs = 30_000;
/** After a process has lived this long, its next restart has the shortest pause again. */
const healthyAfterMs = 60_000;
/** Exit codes for wrong usage and for a refusal: a restart would end in the same way. */
const neverRestarted: readonly (number | null)[] = [2, 3];

/**
 * Keeps one process per member running until it is stopped. A process that dies is started again, after a pause that doubles
 * each time. All of them write to the same log. Each has a process group of its own, so that Ctrl-C in a terminal reaches it
 * only once, through this process, and an IPC channel, so that it ends when this process is killed.
 * @returns The exit code: 0 after a stop, or that of a member which cannot run.
 */
export async function supervise({ members, log, stopped }: SuperviseOptions): Promise<number> {
  const ending = new AbortController();
  void stopped.then((signal) => ending.abort(signal));
  const codes = await Promise.all(
    members.map(async (parameters, member) => {
      const code = await keepRunning(parameters, log.child({ member }), ending.signal);
      if (code !== 0) ending.abort("SIGTERM");
      return code;
    }),
  );
  return Math.max(...codes);
}

async function keepRunning(parameters: string[], log: Logger, ending: AbortSignal): Promise<number> {
  let backoffMs = firstBackoffMs;
  while (!ending.aborted) {
    const startedAt = performance.now();
    const child = spawn(process.execPath, [process.argv[1] ?? "", ...parameters], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      detached: true,
    });
    log.info({ pid: child.pid, parameters }, "process started");
    const forward = () => child.kill(ending.reason as NodeJS.Signals);
    ending.addEventListener("abort", forward);
    const code = await exitOf(child);
    ending.removeEventListener("abort", forward);
    // A process that was still starting is ended by the signal itself.
    if (ending.aborted) return code ?? 0;
    if (neverRestarted.includes(code)) return code ?? 1;
    if (performance.now() - startedAt > healthyAfterMs) backoffMs = firstBackoffMs;
    const waitMs = Math.round(backoffMs * (0.5 + Math.random() / 2));
    log.warn({ pid: child.pid, code, signal: child.signalCode, waitMs }, "process ended and is started again");
    await delay(waitMs, undefined, { signal: ending }).catch(() => undefined);
    backoffMs = Math.min(2 * backoffMs, longestBackoffMs);
  }
  return 0;
}

async function exitOf(child: ChildProcess): Promise<number | null> {
  const [code] = await once(child, "exit");
  return code as number | null;
}
