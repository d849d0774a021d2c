import { backoffMs, tellSilence } from "@reembed/core";

const longestPauseMs = 5_000;

/**
 * Resolves with the first signal that asks the process to end. A second one ends it at once, for whoever does not want
 * to wait for what is in hand.
 */
export async function untilSignal(...signals: NodeJS.Signals[]): Promise<NodeJS.Signals> {
  return await new Promise((resolve) => {
    let asked = false;
    for (const signal of signals) {
      process.on(signal, () => {
        if (asked) process.exit(130);
        asked = true;
        resolve(signal);
      });
    }
  });
}

/**
 * Repeats `work` at an interval, never twice at a time, until it is disposed of; what it throws goes to `onError`,
 * and that it has not ended after 5 s. Failures in a row make the interval longer, up to 5 s.
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
      await running;
    },
  };
}
