import type { Logger, LoggerOptions } from "pino";

const quietMs = 60_000;
const warn = 40;

type LogMethod = NonNullable<NonNullable<LoggerOptions["hooks"]>["logMethod"]>;

/**
 * Logs equal warnings about an error only once a minute, with the number of repeats: while a server is away, every
 * connection warns at every attempt. Numbers are ignored in the comparison, so that "job 12" equals "job 13".
 */
export function quietRepeats(now: () => number = Date.now): LogMethod {
  const told = new Map<string, { at: number; repeats: number }>();
  return function (this: Logger, args, method, level) {
    const [details, message] = args as unknown as [unknown, unknown];
    if (level !== warn || typeof details !== "object" || details === null || !("error" in details)) {
      return method.apply(this, args);
    }
    const key = `${message} ${details.error}`.replaceAll(/\d+/g, "#");
    const last = told.get(key);
    if (last !== undefined && now() - last.at < quietMs) {
      last.repeats++;
      return;
    }
    forgetOld(told, now());
    told.set(key, { at: now(), repeats: 0 });
    if (last === undefined || last.repeats === 0) return method.apply(this, args);
    return method.call(this, { ...details, repeats: last.repeats }, String(message));
  };
}

function forgetOld(told: Map<string, { at: number }>, now: number): void {
  for (const [key, { at }] of told) if (now - at >= quietMs) told.delete(key);
}
