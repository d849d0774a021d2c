export { describeQueueLimits } from "./describe-queue-limits.ts";
export {
  BatchHandedBack,
  type BatchResult,
  EmbedBatch,
  type EmbedJob,
  EmbedQueue,
  type QueueCounts,
  startEmbedWorker,
} from "./embed-queue.ts";
export { EmbedQueues } from "./embed-queues.ts";
export { type FailedBatches, readFailedBatches } from "./failed-batches.ts";
export { describeQueueServer } from "./queue-error.ts";
export { type RedisFacts, readRedisFacts } from "./redis-facts.ts";
export { removeQueues } from "./remove-queues.ts";
export {
  checkQueueServer,
  checkQueueTables,
  createQueueTables,
  type QueueServer,
  queueSchema,
  requireRedis,
} from "./server.ts";
export { startTickWorker, TickQueue } from "./tick-queue.ts";
export { hasUnfinishedJobs, readWaitingJobs, withdrawJobs } from "./waiting-jobs.ts";
