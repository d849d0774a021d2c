import { setTimeout as delay } from "node:timers/promises";
import { backoffMs, endsWithin, tellSilence } from "@reembed/core";
import { type Job, Worker } from "bullmq";
import { readableJob } from "./readable-job.ts";

const bounds = { leastMs: 200, mostMs: 5_000 };
/** For the jobs in hand and for telling their server. Their locks expire, and another worker takes over what is left. */
const closeWithinMs = 9_000;

/**
 * BullMQ's worker, with pauses between failed attempts to take a job: BullMQ 6.7 makes the next at once, so that a Redis
 * without memory is asked, and complained about, as fast as it can answer. And a server that does not answer at all is
 * an `error` too.
 */
export class PatientWorker<Data, Result> extends Worker<Data, Result> {
  readonly #closing = new AbortController();
  #failures = 0;

  protected override get Job(): typeof readableJob {
    return readableJob;
  }

  protected override async moveToActive(token: string, name?: string): Promise<Job<Data, Result>> {
    try {
      const job = await super.moveToActive(token, name);
      this.#failures = 0;
      return job;
    } catch (error) {
      const { signal } = this.#closing;
      await delay(backoffMs(++this.#failures, bounds), undefined, { signal }).catch(() => undefined);
      throw error;
    }
  }

  /** The look for stalled jobs is the one thing that every worker asks of its server every few seconds. */
  override trace<T>(...traced: Parameters<typeof Worker.prototype.trace<T>>): Promise<T | Promise<T>> {
    const answer = super.trace<T>(...traced);
    const [, operation] = traced;
    if (operation !== "moveStalledJobsToWait") return answer;
    return tellSilence(answer, (error) => this.emit("error", error));
  }

  /** Finishes the jobs in hand and closes the connections, but waits for neither when a server does not answer. */
  override async close(force?: boolean): Promise<void> {
    this.#closing.abort();
    if (await endsWithin(closeWithinMs, super.close(force))) return;
    void this.disconnect().catch(() => undefined);
  }
}
