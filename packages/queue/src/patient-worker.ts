import { setTimeout as delay } from "node:timers/promises";
import { backoffMs, endsWithin, reportNoAnswer } from "@reembed/core";
import { type Job, Worker } from "bullmq";
import { readableJob } from "./readable-job.ts";

const bounds = { leastMs: 200, mostMs: 5_000 };
/** For finishing running jobs and reporting them. If that takes longer, locks expire and another worker takes over. */
const closeWithinMs = 9_000;

/**
 * BullMQ's worker with pauses between failed attempts to take a job. BullMQ 6.7 retries at once, so that it queries a
 * Redis without memory, and logs its refusals, as fast as it can answer. A server that does not answer at all also causes
 * an `error` event.
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

  /** Every worker checks for stalled jobs every few seconds: that is where a server that does not answer is noticed. */
  override trace<T>(...traced: Parameters<typeof Worker.prototype.trace<T>>): Promise<T | Promise<T>> {
    const answer = super.trace<T>(...traced);
    const [, operation] = traced;
    if (operation !== "moveStalledJobsToWait") return answer;
    return reportNoAnswer(answer, (error) => this.emit("error", error));
  }

  /** Finishes running jobs and closes the connections, but waits only a limited time if a server does not answer. */
  override async close(force?: boolean): Promise<void> {
    this.#closing.abort();
    if (await endsWithin(closeWithinMs, super.close(force))) return;
    void this.disconnect().catch(() => undefined);
  }
}
