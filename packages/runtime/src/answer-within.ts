/**
 * Waits for the result of `work`, but no longer than `timeoutMs`: a queue whose server is away would answer only when the
 * server is back. If `work` is a function, its signal is aborted at the timeout; other work continues unobserved.
 * @throws Error `Command timed out …`, which counts as transient.
 */
export async function answerWithin<T>(
  timeoutMs: number,
  work: Promise<T> | ((signal: AbortSignal) => Promise<T>),
): Promise<T> {
  const late = Promise.withResolvers<never>();
  const given = new AbortController();
  const timer = setTimeout(() => {
    const error = new Error(`Command timed out after ${timeoutMs / 1_000} s`);
    late.reject(error);
    given.abort(error);
  }, timeoutMs);
  try {
    return await Promise.race([typeof work === "function" ? work(given.signal) : work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
