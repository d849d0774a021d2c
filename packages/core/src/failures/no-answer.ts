const reportAfterMs = 5_000;

/**
 * Waits for an answer that a server normally gives within milliseconds, and reports once if there is none after 5 s. A
 * server behind a broken network refuses nothing: without this report, no log would say what the process waits for.
 */
export async function reportNoAnswer<T>(answer: Promise<T>, tell: (error: Error) => void): Promise<T> {
  const timer = setTimeout(() => tell(new Error(`no answer for ${reportAfterMs / 1_000} s`)), reportAfterMs);
  try {
    return await answer;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Waits at most `mostMs` for something to end, and returns whether it has ended. Used to close connections: closing one
 * to a server that is away or hangs may take for ever. An error in time is thrown; a later one is ignored.
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
