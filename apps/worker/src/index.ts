export { type BatchContext, embedBatch } from "./embed-batch.ts";
export { defaultConcurrency, startWorker } from "./worker.ts";
export { WorkerMetrics } from "./worker-metrics.ts";
