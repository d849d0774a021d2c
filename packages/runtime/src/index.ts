export { answerWithin } from "./answer-within.ts";
export { repeatEvery, untilSignal } from "./lifecycle.ts";
export { createLogger, type Logger } from "./logger.ts";
export { createMetrics, type Metrics } from "./metrics.ts";
export { type OperationsOptions, startOperations } from "./operations.ts";
export { type OutlastOptions, outlast } from "./outlast.ts";
