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

/** Repeats `work` at an interval, never twice at a time, until it is disposed of; what it throws goes to `onError`. */
export function repeatEvery(
  intervalMs: number,
  work: () => Promise<void>,
  onError: (error: unknown) => void,
): AsyncDisposable {
  let timer: NodeJS.Timeout;
  let running = Promise.resolve();
  let stopped = false;
  const turn = () => {
    running = work()
      .catch(onError)
      .then(() => {
        if (!stopped) timer = setTimeout(turn, intervalMs);
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
