import { setTimeout as delay } from "node:timers/promises";
import { backoffMs, isTransient, messageOf } from "@reembed/core";
import type { Logger } from "./logger.ts";

const bounds = { leastMs: 500, mostMs: 5_000 };

export interface OutlastOptions {
  log: Logger;
  /** The server that the work needs, as the log names it: `PostgreSQL at db:5432`. */
  server: string;
  /** Aborting it ends the wait for a server that is away. */
  stopping: AbortSignal;
  /** Called with the error that is waited for, each time, and with undefined at the end of the wait. */
  onWait?: (error: unknown) => void;
}

/**
 * Repeats work until its server is available. After a transient error it waits and tries again, with growing pauses; any
 * other error is thrown at once. The work must be safe to repeat: its last statement may have succeeded before the error.
 */
export async function outlast<T>(
  work: () => Promise<T>,
  { log, server, stopping, onWait }: OutlastOptions,
): Promise<T> {
  const startedAt = performance.now();
  try {
    for (let failures = 0; ; ) {
      try {
        const result = await work();
        if (failures > 0)
          log.info({ server, afterMs: Math.round(performance.now() - startedAt) }, "the server is back");
        return result;
      } catch (error) {
        if (!isTransient(error) || stopping.aborted) throw error;
        onWait?.(error);
        log.warn({ error: messageOf(error) }, `waiting for ${server}`);
        await delay(backoffMs(++failures, bounds), undefined, { signal: stopping }).catch(() => undefined);
      }
    }
  } finally {
    onWait?.(undefined);
  }
}
