/**
 * What `work` gives, or an error when it takes longer: a queue whose server is away answers when that is back, and who
 * asked does not wait so long. Work that is a function is told to stop by its signal; other work goes on.
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
