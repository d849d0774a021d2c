import type { Queue, Worker } from "bullmq";
import { createQueue, createWorker, type OnQueueError } from "./bullmq.ts";
import type { QueueServer } from "./server.ts";

const tickQueueName = "producer";
const schedulerId = "tick";
/** Clocks of hosts may differ by this much. */
const clockToleranceMs = 10_000;

/** The small queue on which the producer's ticks are scheduled, so that any number of producers makes one tick. */
export class TickQueue implements AsyncDisposable {
  readonly bullmq: Queue;

  constructor(server: QueueServer, onError: OnQueueError) {
    this.bullmq = createQueue(server, tickQueueName, onError, {
      defaultJobOptions: { removeOnComplete: { count: 100 }, removeOnFail: { count: 100 } },
    });
  }

  /**
   * Makes sure that there are ticks, one at a time. To be called again and again: a lost queue loses its scheduler and
   * its concurrency too, and then there would be no tick that could notice. Nor would there be after a tick has failed
   * before BullMQ made the next one of it, as in a Redis without memory. And a host whose clock was ahead has put the
   * next tick off by as much: one that is further away than ticks can be is no schedule. Returns whether anything was
   * missing.
   */
  async ensureScheduled(everyMs: number): Promise<boolean> {
    const scheduler = await this.bullmq.getJobScheduler(schedulerId);
    const concurrency = await this.bullmq.getGlobalConcurrency();
    const scheduled = Number(scheduler?.every) === everyMs && concurrency === 1;
    const overdue = Number(scheduler?.next) < Date.now() - everyMs;
    const putOff = Number(scheduler?.next) > Date.now() + everyMs + clockToleranceMs;
    if (scheduled && !putOff && !(overdue && (await this.#isEmpty()))) return false;
    // BullMQ goes on from the time that stands there, unless nothing does.
    if (putOff) await this.bullmq.removeJobScheduler(schedulerId);
    await this.bullmq.setGlobalConcurrency(1);
    await this.bullmq.upsertJobScheduler(schedulerId, { every: everyMs }, { name: "tick" });
    return true;
  }

  async #isEmpty(): Promise<boolean> {
    const counts = await this.bullmq.getJobCounts("waiting", "prioritized", "active", "delayed");
    return Object.values(counts).every((count) => count === 0);
  }

  /** Writes to the queue's server what stands there anyway. Throws when it cannot, as when Redis is out of memory. */
  async checkWritable(): Promise<void> {
    await this.bullmq.setGlobalConcurrency(1);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.bullmq.close();
  }
}

/** Starts making ticks. What `tick` returns is shown as the job's result. */
export function startTickWorker(
  server: QueueServer,
  lockDurationMs: number,
  tick: () => Promise<unknown>,
  onError: OnQueueError,
): Worker {
  return createWorker(server, tickQueueName, tick, onError, {
    concurrency: 1,
    lockDuration: lockDurationMs,
    stalledInterval: Math.min(5_000, lockDurationMs / 2),
    maxStalledCount: 5,
  });
}
