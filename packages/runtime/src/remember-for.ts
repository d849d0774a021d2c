/**
 * What `work` gave last, for so long after its end; never two of it run at a time. For work that anybody may ask for as
 * often as they like. A failure is remembered too.
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
