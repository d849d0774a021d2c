import { setTimeout as delay } from "node:timers/promises";
import { backoffMs, tellSilence } from "@reembed/core";
import { type Job, Worker } from "bullmq";

const bounds = { leastMs: 200, mostMs: 5_000 };

/**
 * BullMQ's worker, with pauses between failed attempts to take a job: BullMQ 6.7 makes the next at once, so that a Redis
 * without memory is asked, and complained about, as fast as it can answer.
 */
export class PatientWorker<Data, Result> extends Worker<Data, Result> {
  readonly #closing = new AbortController();
  #failures = 0;

  protected override async moveToActive(token: string, name?: string): Promise<Job<Data, Result>> {
    try {
      const job = await tellSilence(super.moveToActive(token, name), (error) => this.emit("error", error));
      this.#failures = 0;
      return job;
    } catch (error) {
      const { signal } = this.#closing;
      await delay(backoffMs(++this.#failures, bounds), undefined, { signal }).catch(() => undefined);
      throw error;
    }
  }

  override extendJobLocks(jobIds: string[], tokens: string[], durationMs: number): Promise<string[]> {
    return tellSilence(super.extendJobLocks(jobIds, tokens, durationMs), (error) => this.emit("error", error));
  }

  override close(force?: boolean): Promise<void> {
    this.#closing.abort();
    return super.close(force);
  }
}
