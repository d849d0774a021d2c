export { answerWithin } from "./answer-within.ts";
export { equalSecrets } from "./equal-secrets.ts";
export { repeatEvery, untilSignal } from "./lifecycle.ts";
export { createLogger, type Logger } from "./logger.ts";
export { type HostAddress, isLoopbackName, resolveHost } from "./loopback.ts";
export { createMetrics, type Metrics } from "./metrics.ts";
export { answerOperations, type OperationsOptions, startOperations } from "./operations.ts";
export { type OutlastOptions, outlast } from "./outlast.ts";
