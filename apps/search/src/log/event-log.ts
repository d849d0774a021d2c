import { isTransient, messageOf } from "@reembed/core";
import { answerWithin, type Logger, type Metrics, repeatEvery } from "@reembed/runtime";
import { type Database, isCancelled } from "@reembed/store/database";
import { recordSearches, type SearchEvent } from "@reembed/store/search";

export const flushMs = 250;
const rowsAtOnce = 500;
/** At most 40 MB with queries of 4,000 characters; 5 MB without their texts. */
const waitingAtMost = 5_000;
const lastFlushMs = 2_000;

export type NewSearchEvent = Omit<SearchEvent, "ageMs">;

export interface EventLogOptions {
  database: Database;
  log: Logger;
  metrics: Pick<Metrics, "lostSearchEvents">;
}

/** Records searches in batches, after their answers. While the database is away, a limited number of events waits. */
export class EventLog implements AsyncDisposable {
  readonly #options: EventLogOptions;
  readonly #flushes: AsyncDisposable;
  #waiting: { event: NewSearchEvent; at: number }[] = [];
  #flushing: Promise<void> | undefined;

  constructor(options: EventLogOptions) {
    this.#options = options;
    this.#flushes = repeatEvery(
      flushMs,
      () => this.#flush(),
      (error) => options.log.warn({ error: messageOf(error) }, "searches not recorded yet"),
    );
  }

  /** Returns immediately and never throws. */
  add(event: NewSearchEvent): void {
    if (this.#waiting.length < waitingAtMost) this.#waiting.push({ event, at: performance.now() });
    else this.#options.metrics.lostSearchEvents.inc();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#flushes[Symbol.asyncDispose]();
    await answerWithin(lastFlushMs, this.#flush()).catch((error: unknown) => {
      this.#options.metrics.lostSearchEvents.inc(this.#waiting.length);
      this.#options.log.warn({ error: messageOf(error), searches: this.#waiting.length }, "searches not recorded");
    });
  }

  /** Only one flush runs at a time; it also takes the events that are added meanwhile. */
  #flush(): Promise<void> {
    this.#flushing ??= this.#writeAll().finally(() => {
      this.#flushing = undefined;
    });
    return this.#flushing;
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, rowsAtOnce);
      const now = performance.now();
      const events = batch.map(({ event, at }) => ({ ...event, ageMs: now - at }));
      try {
        await recordSearches(this.#options.database, events);
      } catch (error) {
        if (isTransient(error) || isCancelled(error)) throw error;
        // An error that is not temporary would happen again, and these events would block all later ones.
        this.#options.metrics.lostSearchEvents.inc(batch.length);
        this.#options.log.error({ error: messageOf(error), searches: batch.length }, "searches not recorded");
      }
      this.#waiting = this.#waiting.slice(batch.length);
    }
  }
}
