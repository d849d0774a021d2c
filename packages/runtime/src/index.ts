export { repeatEvery, untilSignal } from "./lifecycle.ts";
export { createLogger, type Logger } from "./logger.ts";
export { createMetrics, type Metrics } from "./metrics.ts";
export { type OperationsOptions, startOperations } from "./operations.ts";
