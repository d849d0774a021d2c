import { backoffMs, endsWithin, tellSilence } from "@reembed/core";

const longestPauseMs = 5_000;
/** For the work in hand at the end: it may be a statement that a server does not answer. */
const lastWorkMs = 1_000;
/** One wish may arrive twice, from a terminal or an init system and from npm or another Node that passes it on. */
const sameWishMs = 1_000;

/**
 * Resolves with the first signal that asks the process to end. Another one, a second later or more, ends it at once, for
 * whoever does not want to wait for what is in hand. The end of the process that has a channel to this one, a supervisor
 * or another Node, counts as SIGTERM.
 */
export async function untilSignal(...signals: NodeJS.Signals[]): Promise<NodeJS.Signals> {
  return await new Promise((resolve) => {
    let askedAt: number | undefined;
    for (const signal of signals) {
      process.on(signal, () => {
        if (askedAt !== undefined && performance.now() - askedAt > sameWishMs) process.exit(130);
        askedAt ??= performance.now();
        resolve(signal);
      });
    }
    process.once("disconnect", () => resolve("SIGTERM"));
    // The channel is no reason to run.
    process.channel?.unref();
  });
}

/**
 * Repeats `work` at an interval, never twice at a time, until it is disposed of; what it throws goes to `onError`,
 * and that it has not ended after 5 s. Failures in a row make the interval longer, up to 5 s. Disposing of it waits a
 * second at most for what is in hand.
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
    running = tellSilence(Promise.try(work), onError)
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
