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
