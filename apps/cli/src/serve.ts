import { endsWithin, isTransient, messageOf, ReembedError, tellSilence } from "@reembed/core";
import { type Logger, outlast, untilSignal } from "@reembed/runtime";

/** From the signal to the end of the process: Docker kills after 10 s, Kubernetes after 30 s, both unless told otherwise. */
const stopWithinMs = 14_000;
/** How long a server may take to answer when it is no longer waited for. */
const lastAnswerMs = 10_000;

export interface Serving {
  log: Logger;
  /** The command, as logs call it. */
  name: string;
}

/**
 * The life of a command that goes on until it is stopped. A signal before `begin` ends the process at once, since nothing
 * is in hand; 14 s after a later one it ends with 0 all the same, whatever is not done.
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
 * Runs a command until it is stopped. `start` opens in the scope what the command needs; the scope is disposed of at the
 * end, which finishes what is in hand.
 */
export async function untilStopped(
  { log, name }: Serving,
  start: (scope: AsyncDisposableStack) => Promise<void>,
): Promise<void> {
  const { stopped, begin } = startLife({ log, name });
  const scope = new AsyncDisposableStack();
  try {
    await start(scope);
    begin();
    await stopped;
  } finally {
    await scope.disposeAsync().catch((error: unknown) => {
      if (!isTransient(error)) throw error;
      log.warn({ error: messageOf(error) }, `${name} could not say goodbye to a server`);
    });
  }
}

/** Serves until it is stopped: `start` returns what is told, in the log and as one JSON object, when it is ready. */
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
    log.warn({ afterMs }, `${name} did not stop in time and is ended`);
    process.exit(0);
  }, afterMs);
  // The only timer that may not keep the process alive: it is there for the case that something else does.
  late.unref();
}

/** Does work on a server that may not be there yet, until it is done. `server` is what the log calls it. */
export type Patience = <T>(server: string, work: () => Promise<T>) => Promise<T>;

/** For commands that people wait for: a server that is not there is an error at once. */
export const impatience: Patience = (_, work) => work();

/**
 * Waits for servers, and says for which, until so many seconds have passed from now on. Then what is wrong with them is
 * thrown, or `server_silent` where one takes connections and answers nothing.
 */
export function patienceFor(seconds: number, log: Logger): Patience {
  const endsAt = performance.now() + 1_000 * seconds;
  const stopping = seconds === 0 ? AbortSignal.abort() : AbortSignal.timeout(1_000 * seconds);
  return async (server, work) => {
    const tell = (error: Error) => log.warn({ error: messageOf(error) }, `waiting for ${server}`);
    const done = outlast(() => tellSilence(work(), tell), { log, server, stopping });
    const leftMs = Math.max(0, endsAt - performance.now());
    if (await endsWithin(leftMs + lastAnswerMs, done)) return await done;
    throw new ReembedError("server_silent", `${server} does not answer.`, { remedy: "Is it overloaded, or cut off?" });
  };
}
