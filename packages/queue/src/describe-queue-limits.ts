import type { Queue } from "bullmq";

/**
 * Describes what keeps workers from taking a queue's jobs, set on Bull Board or by BullMQ itself: `The queue is paused.`
 * Null if nothing does.
 */
export async function describeQueueLimits(queue: Pick<Queue, "isPaused" | "getGlobalRateLimit" | "getRateLimitTtl">) {
  const [paused, limit, waitMs] = await Promise.all([
    queue.isPaused(),
    queue.getGlobalRateLimit(),
    queue.getRateLimitTtl(),
  ]);
  const seconds = (milliseconds: number) => `${Number((milliseconds / 1_000).toFixed(1)).toLocaleString("en")} s`;
  const limits = [
    ...(paused ? ["paused"] : []),
    ...(limit === null ? [] : [`limited to ${limit.max} jobs in ${seconds(limit.duration)}`]),
    ...(limit === null && waitMs > 0 ? [`blocked for another ${seconds(waitMs)}`] : []),
  ];
  return limits.length === 0 ? null : `The queue is ${limits.join(" and ")}, as somebody has set it on Bull Board.`;
}
