import { type Logger, pino } from "pino";
import pretty from "pino-pretty";
import { quietRepeats } from "./quiet-repeats.ts";

export type { Logger } from "pino";

/** One line per event on stderr: JSON, or readable text on a terminal. stdout is for the output of commands. */
export function createLogger(level: string): Logger {
  const timestamp = pino.stdTimeFunctions.isoTime;
  const options = { level, base: null, timestamp, hooks: { logMethod: quietRepeats() } };
  if (process.stderr.isTTY) {
    return pino(options, pretty({ destination: 2, sync: true, ignore: "pid,hostname", translateTime: "SYS:HH:MM:ss" }));
  }
  // Synchronous, because the last lines before a crash are the most important ones.
  return pino(options, pino.destination({ dest: 2, sync: true }));
}
