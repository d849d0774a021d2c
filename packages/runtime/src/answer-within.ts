/**
 * What `work` gives, or an error when it takes longer: a queue whose server is away answers when that is back, and who
 * asked does not wait so long. The work itself goes on.
 * @throws Error `Command timed out …`, which counts as transient.
 */
export async function answerWithin<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`Command timed out after ${timeoutMs / 1_000} s`)), timeoutMs);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
