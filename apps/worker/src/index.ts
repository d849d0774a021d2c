export { type BatchContext, embedBatch, type MicroBatchReport } from "./embed-batch.ts";
export { defaultConcurrency, startWorker, type WorkerOptions } from "./worker.ts";
export { WorkerMetrics } from "./worker-metrics.ts";
