export { repeatEvery, untilSignal } from "./lifecycle.ts";
export { createLogger, type Logger } from "./logger.ts";
