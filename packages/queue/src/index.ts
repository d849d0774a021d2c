export {
  BatchHandedBack,
  type BatchResult,
  type EmbedBatch,
  type EmbedJob,
  EmbedQueue,
  embedQueueName,
  type QueueCounts,
  startEmbedWorker,
} from "./embed-queue.ts";
export { EmbedQueues } from "./embed-queues.ts";
export { describeQueueServer } from "./queue-error.ts";
export { checkQueueServer, checkQueueTables, createQueueTables, type QueueServer } from "./server.ts";
export { startTickWorker, TickQueue } from "./tick-queue.ts";
