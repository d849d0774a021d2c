/**
 * Processes items with a limited concurrency and yields results as they finish. After a failure no new item is started;
 * the results of items in progress are yielded first, then the error is thrown. If the reader stops, the work is aborted.
 */
export async function* asTheyFinish<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  outer: AbortSignal,
  work: (item: Item, signal: AbortSignal) => Promise<Result>,
): AsyncGenerator<Result> {
  const leaving = new AbortController();
  const abort = () => leaving.abort(outer.reason);
  outer.addEventListener("abort", abort, { once: true });
  if (outer.aborted) abort();
  const waiting = items[Symbol.iterator]();
  const running = new Set<Promise<Finished<Result>>>();
  let failure: { error: unknown } | undefined;
  try {
    for (;;) {
      while (failure === undefined && running.size < atOnce) {
        const { done, value } = waiting.next();
        if (done) break;
        running.add(finish(work(value, leaving.signal)));
      }
      if (running.size === 0) break;
      const { error, result } = await next(running);
      if (error !== undefined) failure ??= error;
      else yield result as Result;
    }
    if (failure !== undefined) throw failure.error;
  } finally {
    outer.removeEventListener("abort", abort);
    leaving.abort(outer.reason);
  }
}

interface Finished<Result> {
  result?: Result;
  error?: { error: unknown };
}

async function finish<Result>(work: Promise<Result>): Promise<Finished<Result>> {
  return await work.then(
    (result) => ({ result }),
    (error: unknown) => ({ error: { error } }),
  );
}

async function next<Result>(running: Set<Promise<Finished<Result>>>): Promise<Finished<Result>> {
  const { promise, finished } = await Promise.race(
    [...running].map((promise) => promise.then((finished) => ({ promise, finished }))),
  );
  running.delete(promise);
  return finished;
}
