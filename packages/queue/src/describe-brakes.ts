import type { Queue } from "bullmq";

/**
 * What keeps workers from a queue's jobs, as somebody has set it on Bull Board or by BullMQ itself: `The queue is paused.`
 * Null where nothing does.
 */
export async function describeBrakes(queue: Pick<Queue, "isPaused" | "getGlobalRateLimit" | "getRateLimitTtl">) {
  const [paused, limit, waitMs] = await Promise.all([
    queue.isPaused(),
    queue.getGlobalRateLimit(),
    queue.getRateLimitTtl(),
  ]);
  const seconds = (milliseconds: number) => `${Number((milliseconds / 1_000).toFixed(1)).toLocaleString("en")} s`;
  const brakes = [
    ...(paused ? ["paused"] : []),
    ...(limit === null ? [] : [`limited to ${limit.max} jobs in ${seconds(limit.duration)}`]),
    ...(limit === null && waitMs > 0 ? [`held for another ${seconds(waitMs)}`] : []),
  ];
  return brakes.length === 0 ? null : `The queue is ${brakes.join(" and ")}, by whoever set that on Bull Board.`;
}
