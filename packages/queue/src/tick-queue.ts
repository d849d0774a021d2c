import type { Job, Queue, RepeatOptions, Worker } from "bullmq";
import { createQueue, createWorker, type OnQueueError } from "./bullmq.ts";
import type { QueueServer } from "./server.ts";

const tickQueueName = "producer";
const schedulerId = "tick";
/** The clocks of hosts may differ by this much. */
const clockToleranceMs = 10_000;

/** The small queue of the producer's ticks. However many producers there are, it makes one tick at a time. */
export class TickQueue implements AsyncDisposable {
  readonly bullmq: Queue;
  #hasScheduled = false;

  constructor(server: QueueServer, onError: OnQueueError) {
    this.bullmq = createQueue(server, tickQueueName, onError, {
      defaultJobOptions: { removeOnComplete: { count: 100 }, removeOnFail: { count: 100 } },
    });
  }

  /**
   * Makes sure that ticks are scheduled, one at a time. Call this repeatedly, because a schedule can be lost in three ways:
   * a lost queue loses its scheduler and its concurrency, and then there is no tick that could notice it; a tick that fails
   * before BullMQ has made the next one, for example in a Redis without memory, ends the chain; and a host whose clock was
   * ahead may have scheduled the next tick for the far future. Only the first call replaces an interval that it finds by
   * another: if producers are configured differently, the one that started last decides, because otherwise each would put
   * off the others' next tick. Returns whether anything was repaired.
   */
  async ensureScheduled(wantedMs: number): Promise<boolean> {
    const scheduler = await this.bullmq.getJobScheduler(schedulerId);
    const concurrency = await this.bullmq.getGlobalConcurrency();
    const everyMs = (this.#hasScheduled && Number(scheduler?.every)) || wantedMs;
    const scheduled = Number(scheduler?.every) === everyMs && concurrency === 1;
    const overdue = Number(scheduler?.next) < Date.now() - everyMs;
    const putOff = Number(scheduler?.next) > Date.now() + everyMs + clockToleranceMs;
    if (scheduled && !putOff && !(overdue && (await this.#isEmpty()))) {
      this.#hasScheduled = true;
      return false;
    }
    // BullMQ would continue from the time that is stored, so the scheduler is removed first.
    if (putOff) await this.bullmq.removeJobScheduler(schedulerId);
    await this.bullmq.setGlobalConcurrency(1);
    await this.bullmq.upsertJobScheduler(schedulerId, { every: everyMs }, { name: "tick" });
    this.#hasScheduled = true;
    return true;
  }

  async #isEmpty(): Promise<boolean> {
    const counts = await this.bullmq.getJobCounts("waiting", "prioritized", "active", "delayed");
    return Object.values(counts).every((count) => count === 0);
  }

  /** Writes a value that the queue's server has already. Throws if it cannot, for example if Redis is out of memory. */
  async checkWritable(): Promise<void> {
    await this.bullmq.setGlobalConcurrency(1);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.bullmq.close();
  }
}

/**
 * Starts making ticks. The return value of `tick` is shown as the job's result.
 * @param tick Gets the interval of the schedule, which another producer may have set; undefined for a tick made by hand.
 */
export function startTickWorker(
  server: QueueServer,
  lockDurationMs: number,
  tick: (everyMs: number | undefined) => Promise<unknown>,
  onError: OnQueueError,
): Worker {
  return createWorker(server, tickQueueName, (job) => tick(intervalOf(job)), {
    onError,
    concurrency: 1,
    lockDuration: lockDurationMs,
    stalledInterval: Math.min(5_000, lockDurationMs / 2),
    maxStalledCount: 5,
  });
}

/** BullMQ's scheduler stores its options in the jobs that it makes, which the type of a job's options leaves out. */
function intervalOf({ opts }: Job): number | undefined {
  const { repeat } = opts as { repeat?: RepeatOptions };
  return repeat?.every;
}
