import { messageOf } from "@reembed/core";
import { type Job, type Queue, UnrecoverableError, WaitingError, type Worker } from "bullmq";
import { z } from "zod";
import { createQueue, createWorker, type OnQueueError } from "./bullmq.ts";
import type { QueueServer } from "./server.ts";

/** The payload of a job: chunks of one profile that may lack a current vector. */
export const EmbedBatch = z.object({
  profile: z.string(),
  /** `changes` are inserted or edited chunks, ahead of the `backfill` of what existed before. */
  kind: z.enum(["changes", "backfill"]),
  chunkIds: z.array(z.int().positive()).min(1),
});
export type EmbedBatch = z.infer<typeof EmbedBatch>;

/** What became of a batch. The rest of its chunks was current already, or is gone. */
export interface BatchResult {
  embedded: number;
  /** Got the vector of a chunk with the same text, without the model. */
  reused: number;
  /** Vectors of a text that has changed meanwhile: not stored. */
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

/** BullMQ takes the lower number first. */
const priorities = { changes: 1, backfill: 2 } as const;

/** Retries wait for some seconds; longer than this by our own watch they wait because of a wrong clock. */
const longestDelayMs = 60_000;
const delayedAtOnce = 100;

/** The queue of one profile's batches. */
export class EmbedQueue implements AsyncDisposable {
  readonly bullmq: Queue<EmbedBatch, BatchResult>;
  /** When each delayed job was first seen here. */
  #delayedSince = new Map<string, number>();

  constructor(server: QueueServer, profile: string, onError: OnQueueError) {
    this.bullmq = createQueue(server, embedQueueName(profile), onError, {
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
   * Lets workers take the retries that have been put off for too long: until when they wait was written by a worker's
   * host, whose clock may have been a day ahead, and the queue would not be empty until then. To be called again and again.
   */
  async promoteForgotten(afterMs: number = longestDelayMs): Promise<void> {
    const now = performance.now();
    const delayed = await this.bullmq.getDelayed(0, delayedAtOnce - 1);
    const since = (id: string) => this.#delayedSince.get(id) ?? now;
    this.#delayedSince = new Map(delayed.map(({ id = "" }) => [id, since(id)]));
    for (const job of delayed) {
      // One that a worker has taken meanwhile is not delayed any more.
      if (now - since(job.id ?? "") >= afterMs) await job.promote().catch(() => undefined);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.bullmq.close();
  }
}

/** Thrown by a worker that is stopping: the rest of its batch goes back to the queue and costs no attempt. */
export class BatchHandedBack extends Error {
  override readonly name = "BatchHandedBack";
}

export interface EmbedWorkerOptions {
  concurrency: number;
  /** A job whose lock was not renewed for this long is taken over by another worker. */
  lockDurationMs: number;
}

/**
 * Starts taking batches of a profile. A payload that is not a batch, or one of another profile, fails for good; other
 * errors are retried.
 */
export function startEmbedWorker(
  server: QueueServer,
  profile: string,
  { concurrency, lockDurationMs }: EmbedWorkerOptions,
  process: (batch: EmbedBatch, job: EmbedJob) => Promise<BatchResult>,
  onError: OnQueueError,
): Worker<EmbedBatch, BatchResult> {
  return createWorker<EmbedBatch, BatchResult>(
    server,
    embedQueueName(profile),
    async (job, token) => {
      const batch = EmbedBatch.safeParse(job.data);
      if (!batch.success) throw new UnrecoverableError(`This is no batch of chunks: ${z.prettifyError(batch.error)}`);
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
        // Its message is kept with the job and shown on Bull Board.
        throw new Error(messageOf(error), { cause: error });
      }
    },
    onError,
    {
      concurrency,
      lockDuration: lockDurationMs,
      stalledInterval: Math.min(5_000, lockDurationMs / 2),
      // Every kill of a worker counts as a stall. What fails for it is found again by the producer's sweep.
      maxStalledCount: 5,
    },
  );
}
