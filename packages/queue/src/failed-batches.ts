import { createQueue } from "./bullmq.ts";
import { embedQueueName } from "./embed-queue.ts";
import type { QueueServer } from "./server.ts";

/** The batches of a profile that failed for good. The queue keeps the last 5,000 of them. */
export interface FailedBatches {
  batches: number;
  /** Why the last one failed. */
  reason: string;
  /** Elapsed time since the last one failed, by the clocks of its worker and this host. */
  secondsAgo: number;
}

/** Null if none failed. Writes nothing to the queue's server. */
export async function readFailedBatches(server: QueueServer, profile: string): Promise<FailedBatches | null> {
  const queue = createQueue(server, embedQueueName(profile), () => {}, { skipMetasUpdate: true });
  try {
    const [last] = await queue.getFailed(0, 0);
    if (last === undefined) return null;
    const secondsAgo = Math.max(0, Math.round((Date.now() - (last.finishedOn ?? 0)) / 1_000));
    return { batches: await queue.getFailedCount(), reason: last.failedReason, secondsAgo };
  } finally {
    await queue.close();
  }
}
