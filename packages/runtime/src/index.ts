export { answerWithin } from "./answer-within.ts";
export { type Followed, presentValue } from "./followed.ts";
export { repeatEvery, untilSignal } from "./lifecycle.ts";
export { createLogger, type Logger } from "./logger.ts";
export { createMetrics, type Metrics } from "./metrics.ts";
export { outlast } from "./outlast.ts";
export { rememberFor } from "./remember-for.ts";
export { startTelemetry, type TelemetryOptions } from "./telemetry/telemetry.ts";
export { markFailed, tellTrace, traced } from "./telemetry/traced.ts";
