import { messageOf } from "@reembed/core";
import { type Job, type Queue, UnrecoverableError, WaitingError, type Worker } from "bullmq";
import { z } from "zod";
import { createQueue, createWorker, type OnQueueError } from "./bullmq.ts";
import type { QueueServer } from "./server.ts";
import { queueTelemetry } from "./telemetry.ts";

/** The payload of a job: chunks of one profile that may lack a current vector. */
export const EmbedBatch = z.object({
  profile: z.string(),
  /** `changes` are inserted or edited chunks, which come before the `backfill` of the chunks that existed before. */
  kind: z.enum(["changes", "backfill"]),
  chunkIds: z.array(z.int()).min(1),
});
export type EmbedBatch = z.infer<typeof EmbedBatch>;

/** The result of a batch. Its other chunks were up to date or deleted. */
export interface BatchResult {
  embedded: number;
  /** Chunks that got the vector of a chunk with the same text, without a run of the model. */
  reused: number;
  /** Vectors that were not stored because the text has changed meanwhile. */
  stale: number;
  quarantined: number;
  /** Tokens that went through the model. */
  tokens: number;
  /** Tokens beyond the model's limit, which were cut off. */
  truncatedTokens: number;
}

export type EmbedJob = Job<EmbedBatch, BatchResult>;

export interface QueueCounts {
  waiting: number;
  active: number;
  delayed: number;
  failed: number;
}

export function embedQueueName(profile: string): string {
  return `embed-${profile}`;
}

/** BullMQ takes lower numbers first. */
const priorities = { changes: 1, backfill: 2 } as const;

/** Retries wait for seconds. One that waits longer than this, by our own clock, was delayed by a wrong clock. */
const longestDelayMs = 60_000;
const delayedAtOnce = 100;

/** The queue of one profile's batches. */
export class EmbedQueue implements AsyncDisposable {
  readonly bullmq: Queue<EmbedBatch, BatchResult>;
  /** When this process first saw each delayed job. */
  #delayedSince = new Map<string, number>();

  constructor(server: QueueServer, profile: string, onError: OnQueueError) {
    this.bullmq = createQueue(server, embedQueueName(profile), onError, {
      ...queueTelemetry(),
      defaultJobOptions: {
        attempts: 3,
        backoff: { type: "exponential", delay: 2_000, jitter: 0.5 },
        removeOnComplete: { count: 1_000 },
        removeOnFail: { count: 5_000 },
      },
    });
  }

  async enqueue(batches: readonly EmbedBatch[]): Promise<void> {
    await this.bullmq.addBulk(
      batches.map((batch) => ({ name: batch.kind, data: batch, opts: { priority: priorities[batch.kind] } })),
    );
  }

  async counts(): Promise<QueueCounts> {
    const counts = await this.bullmq.getJobCounts("waiting", "prioritized", "active", "delayed", "failed");
    const of = (state: string) => counts[state] ?? 0;
    return {
      waiting: of("waiting") + of("prioritized"),
      active: of("active"),
      delayed: of("delayed"),
      failed: of("failed"),
    };
  }

  /**
   * Promotes retries that have been delayed for too long. The time until which a retry waits was written by a worker's host,
   * whose clock may have been a day ahead: the queue would not become empty before then. Call this repeatedly.
   */
  async promoteForgotten(afterMs: number = longestDelayMs): Promise<void> {
    const now = performance.now();
    const delayed = await this.bullmq.getDelayed(0, delayedAtOnce - 1);
    const since = (id: string) => this.#delayedSince.get(id) ?? now;
    this.#delayedSince = new Map(delayed.map(({ id = "" }) => [id, since(id)]));
    for (const job of delayed) {
      // If a worker has taken the job meanwhile, it is no longer delayed, and promoting it fails.
      if (now - since(job.id ?? "") >= afterMs) await job.promote().catch(() => undefined);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.bullmq.close();
  }
}

/** Thrown by a worker that is stopping: the rest of its batch returns to the queue without counting as an attempt. */
export class BatchHandedBack extends Error {
  override readonly name = "BatchHandedBack";
}

export interface EmbedWorkerOptions {
  concurrency: number;
  /** If a job's lock is not renewed for this long, another worker takes the job over. */
  lockDurationMs: number;
  onError: OnQueueError;
}

/**
 * Starts taking batches of a profile. A payload that is not a batch, or is for another profile, fails permanently; other
 * errors are retried.
 */
export function startEmbedWorker(
  server: QueueServer,
  profile: string,
  process: (batch: EmbedBatch, job: EmbedJob) => Promise<BatchResult>,
  { concurrency, lockDurationMs, onError }: EmbedWorkerOptions,
): Worker<EmbedBatch, BatchResult> {
  return createWorker<EmbedBatch, BatchResult>(
    server,
    embedQueueName(profile),
    async (job, token) => {
      const batch = EmbedBatch.safeParse(job.data);
      if (!batch.success)
        throw new UnrecoverableError(`This is not a batch of chunks: ${z.prettifyError(batch.error)}`);
      if (batch.data.profile !== profile) {
        throw new UnrecoverableError(`This batch is for ${batch.data.profile}; the worker embeds ${profile}`);
      }
      try {
        return await process(batch.data, job);
      } catch (error) {
        if (error instanceof BatchHandedBack) {
          await job.moveToWait(token);
          throw new WaitingError();
        }
        // The message is stored with the job and shown on Bull Board.
        throw new Error(messageOf(error), { cause: error });
      }
    },
    {
      ...queueTelemetry(),
      onError,
      concurrency,
      lockDuration: lockDurationMs,
      stalledInterval: Math.min(5_000, lockDurationMs / 2),
      // Every killed worker counts as a stall. If a job fails because of that, the producer's sweep finds its chunks again.
      maxStalledCount: 5,
    },
  );
}
