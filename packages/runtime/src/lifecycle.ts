import { backoffMs, endsWithin, reportNoAnswer } from "@reembed/core";

const longestPauseMs = 5_000;
/** How long disposal waits for running work, which may be a statement that a server never answers. */
const lastWorkMs = 1_000;
/** One request to stop may arrive twice within this time: from a terminal or init, and again from npm or a Node that passes it on. */
const sameRequestMs = 1_000;

/**
 * Resolves with the first signal that asks the process to end. Another signal, at least a second later, ends it at once,
 * for an operator who does not want to wait until it has drained. If the process that has an IPC channel to this one ends
 * (a supervisor or another Node), that counts as SIGTERM.
 */
export async function untilSignal(...signals: NodeJS.Signals[]): Promise<NodeJS.Signals> {
  return await new Promise((resolve) => {
    let askedAt: number | undefined;
    for (const signal of signals) {
      process.on(signal, () => {
        if (askedAt !== undefined && performance.now() - askedAt > sameRequestMs) process.exit(130);
        askedAt ??= performance.now();
        resolve(signal);
      });
    }
    process.once("disconnect", () => resolve("SIGTERM"));
    // The channel alone must not keep the process alive.
    process.channel?.unref();
  });
}

/**
 * Repeats `work` at an interval, never twice at the same time, until it is disposed of. Errors go to `onError`, and also
 * a report if `work` takes longer than 5 s. After failures in a row the interval grows, up to 5 s. Disposal waits at most
 * a second for running work.
 */
export function repeatEvery(
  intervalMs: number,
  work: () => Promise<void>,
  onError: (error: unknown) => void,
): AsyncDisposable {
  let timer: NodeJS.Timeout;
  let running = Promise.resolve();
  let stopped = false;
  let failures = 0;
  const bounds = { leastMs: 2 * intervalMs, mostMs: Math.max(2 * intervalMs, longestPauseMs) };
  const turn = () => {
    running = reportNoAnswer(Promise.try(work), onError)
      .then(() => {
        failures = 0;
      })
      .catch((error: unknown) => {
        failures++;
        onError(error);
      })
      .then(() => {
        if (!stopped) timer = setTimeout(turn, failures === 0 ? intervalMs : backoffMs(failures, bounds));
      });
  };
  turn();
  return {
    async [Symbol.asyncDispose]() {
      stopped = true;
      clearTimeout(timer);
      await endsWithin(lastWorkMs, running);
    },
  };
}
