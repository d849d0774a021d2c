import { setTimeout } from "node:timers/promises";

export interface SharedPollOptions<Value> {
  read: () => Promise<Value>;
  /** The minimum time between the end of one read and the start of the next. */
  intervalMs: number;
  onError: (error: unknown) => void;
}

/** Shares one repeated read among all watchers: it runs only while somebody watches, and never twice at the same time. */
export class SharedPoll<Value> implements AsyncDisposable {
  readonly #options: SharedPollOptions<Value>;
  readonly #watchers = new Set<(value: Value) => void>();
  #latest: { value: Promise<Value>; freshUntil: number } | undefined;
  #polling: { promise: Promise<void>; abort: AbortController } | undefined;

  constructor(options: SharedPollOptions<Value>) {
    this.#options = options;
  }

  /** The value of the running read or, within the interval, of the last one; otherwise reads again. */
  async read(): Promise<Value> {
    if (this.#latest === undefined || performance.now() >= this.#latest.freshUntil) {
      const latest = { value: this.#options.read(), freshUntil: Number.POSITIVE_INFINITY };
      this.#latest = latest;
      latest.value.then(
        () => {
          latest.freshUntil = performance.now() + this.#options.intervalMs;
        },
        () => {
          latest.freshUntil = 0;
        },
      );
    }
    return await this.#latest.value;
  }

  /** Has the next `read` read again, after something was changed that it would show. */
  refresh(): void {
    this.#latest = undefined;
  }

  /** Calls `watcher` with every further value; the returned function ends that. */
  watch(watcher: (value: Value) => void): () => void {
    this.#watchers.add(watcher);
    if (this.#polling === undefined) {
      const abort = new AbortController();
      this.#polling = { abort, promise: this.#poll(abort.signal) };
    }
    return () => {
      this.#watchers.delete(watcher);
      if (this.#watchers.size === 0) this.#stop();
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watchers.clear();
    const polling = this.#polling;
    this.#stop();
    await polling?.promise;
    await this.#latest?.value.catch(() => undefined);
  }

  /** An error of one watcher does not affect the others. */
  #tell(watcher: (value: Value) => void, value: Value): void {
    try {
      watcher(value);
    } catch (error) {
      this.#options.onError(error);
    }
  }

  #stop(): void {
    this.#polling?.abort.abort();
    this.#polling = undefined;
  }

  async #poll(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const value = await this.read();
        if (signal.aborted) return;
        for (const watcher of this.#watchers) this.#tell(watcher, value);
      } catch (error) {
        this.#options.onError(error);
      }
      await setTimeout(this.#options.intervalMs, undefined, { signal }).catch(() => undefined);
    }
  }
}
