import { trace } from "@opentelemetry/api";
import { type Logger, pino } from "pino";
import pretty from "pino-pretty";
import { quietRepeats } from "./quiet-repeats.ts";

export type { Logger } from "pino";

/** One line per event on stderr: JSON, or readable text on a terminal. stdout is for the output of commands. */
export function createLogger(level: string): Logger {
  const timestamp = pino.stdTimeFunctions.isoTime;
  const options = { level, base: null, timestamp, mixin: presentTrace, hooks: { logMethod: quietRepeats() } };
  if (process.stderr.isTTY) {
    return pino(options, pretty({ destination: 2, sync: true, ignore: "pid,hostname", translateTime: "SYS:HH:MM:ss" }));
  }
  // Synchronous, because the last lines before a crash are the most important ones.
  return pino(options, pino.destination({ dest: 2, sync: true }));
}

/** The trace to which a line belongs, under the names that OpenTelemetry has for logs; nothing outside of one. */
function presentTrace(): object {
  const span = trace.getActiveSpan()?.spanContext();
  return span === undefined ? {} : { trace_id: span.traceId, span_id: span.spanId };
}
