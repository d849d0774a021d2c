import type { Settings } from "@reembed/config";
import { endsWithin, isTransient, messageOf, ReembedError, reportNoAnswer } from "@reembed/core";
import { type Logger, outlast, startTelemetry, untilSignal } from "@reembed/runtime";

/** Time from the signal to the end of the process. By default Docker kills after 10 s and Kubernetes after 30 s. */
const stopWithinMs = 14_000;
/** How long to wait for the last answer of a server when the process ends. */
const lastAnswerMs = 10_000;

export interface Serving {
  log: Logger;
  /** The command's name in logs. */
  name: string;
  /** What its traces and metrics are sent by, if the environment says so, and why they cannot be. */
  telemetry?: Settings["telemetry"];
}

/**
 * Handles signals for a command that runs until it is stopped. Before `begin`, a signal ends the process at once, because no
 * work has started. After it, a signal starts the shutdown; 14 s later the process ends with exit code 0 even if the
 * shutdown is not complete.
 */
export function startLife({ log, name }: Serving): { stopped: Promise<NodeJS.Signals>; begin: () => void } {
  const stopped = untilSignal("SIGTERM", "SIGINT");
  let begun = false;
  void stopped.then((signal) => {
    log.info({ signal }, `${name} stopping`);
    if (!begun) process.exit(0);
    endWithin(stopWithinMs, { log, name });
  });
  const begin = () => {
    begun = true;
  };
  return { stopped, begin };
}

/**
 * Runs a command until it is stopped. `start` opens what the command needs in the scope, which is disposed of at the end,
 * after running work is finished.
 */
export async function untilStopped(
  { log, name, telemetry }: Serving,
  start: (scope: AsyncDisposableStack) => Promise<void>,
): Promise<void> {
  const { stopped, begin } = startLife({ log, name });
  const scope = new AsyncDisposableStack();
  try {
    for (const problem of telemetry?.problems ?? []) log.warn({ problem }, "telemetry is off");
    scope.use(await startTelemetry(telemetry?.wanted, { service: `reembed-${name}`, log }));
    await start(scope);
    begin();
    await stopped;
  } finally {
    await scope.disposeAsync().catch((error: unknown) => {
      if (!isTransient(error)) throw error;
      log.warn({ error: messageOf(error) }, `${name} could not close a connection cleanly`);
    });
  }
}

/** Serves until it is stopped. When ready, the result of `start` is logged and printed as one JSON object. */
export async function serveUntilSignal(
  { json, ...serving }: Serving & { json: boolean | undefined },
  start: (scope: AsyncDisposableStack) => Promise<Record<string, unknown>>,
): Promise<void> {
  const { log, name } = serving;
  await untilStopped(serving, async (scope) => {
    const details = await start(scope);
    log.info(details, `${name} ready`);
    if (json) process.stdout.write(`${JSON.stringify(details)}\n`);
  });
}

function endWithin(afterMs: number, { log, name }: Serving): void {
  const late = setTimeout(() => {
    log.warn({ afterMs }, `${name} did not stop in time and is ended by force`);
    process.exit(0);
  }, afterMs);
  // This timer must not keep the process alive: it is for the case that something else does.
  late.unref();
}

/** Waits for a server, which may not be available yet, until the work succeeds. `server` is its name in logs. */
export type Patience = <T>(server: string, work: () => Promise<T>) => Promise<T>;

/** For interactive commands: a server that is not available is an error at once. */
export const impatience: Patience = (_, work) => work();

/**
 * Waits for a server for this many seconds whenever one is needed, and logs which one. Then the last error is thrown, or
 * `server_silent` if a server accepts connections but does not answer. What a process does in between does not count:
 * loading a model takes a busy machine a minute.
 */
export function patienceFor(seconds: number, log: Logger): Patience {
  const limitMs = 1_000 * seconds;
  return async (server, work) => {
    const stopping = limitMs === 0 ? AbortSignal.abort() : AbortSignal.timeout(limitMs);
    const tell = (error: Error) => log.warn({ error: messageOf(error) }, `waiting for ${server}`);
    const done = outlast(() => reportNoAnswer(work(), tell), { log, server, stopping });
    if (await endsWithin(limitMs + lastAnswerMs, done)) return await done;
    throw new ReembedError("server_silent", `${server} does not answer.`, {
      remedy: "Check whether it is overloaded or unreachable.",
    });
  };
}
