/**
 * Caches the last result of `work` for some time after it ended, and never runs it twice at the same time. For work that
 * clients can request as often as they like. A failure is cached too.
 */
export function rememberFor<T>(milliseconds: number, work: () => Promise<T>): () => Promise<T> {
  let last: { outcome: Promise<T>; until: number } | undefined;
  return () => {
    if (last !== undefined && performance.now() < last.until) return last.outcome;
    const begun = { outcome: Promise.try(work), until: Number.POSITIVE_INFINITY };
    const end = () => {
      begun.until = performance.now() + milliseconds;
    };
    begun.outcome.then(end, end);
    last = begun;
    return begun.outcome;
  };
}
