const silenceMs = 5_000;

/**
 * Waits for what a server does in milliseconds, and tells once when there is no answer after 5 s: one that is cut off
 * refuses nothing, so that nothing else would say what is waited for.
 */
export async function tellSilence<T>(answer: Promise<T>, tell: (error: Error) => void): Promise<T> {
  const timer = setTimeout(() => tell(new Error(`no answer for ${silenceMs / 1_000} s`)), silenceMs);
  try {
    return await answer;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Waits for something to end, but no longer than `mostMs`, and tells whether it has ended. For what closes connections:
 * to a server that is away or hangs, that may take for ever. What it throws in time is thrown; later, nobody is told.
 */
export async function endsWithin(mostMs: number, ending: Promise<unknown>): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<false>();
  const timer = setTimeout(() => resolve(false), mostMs);
  try {
    return await Promise.race([ending.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
