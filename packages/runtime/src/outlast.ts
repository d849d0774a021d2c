import { setTimeout as delay } from "node:timers/promises";
import { backoffMs, isTransient, messageOf } from "@reembed/core";
import type { Logger } from "./logger.ts";

const bounds = { leastMs: 500, mostMs: 5_000 };

export interface OutlastOptions {
  log: Logger;
  /** What the work needs, as the log calls it: `PostgreSQL at db:5432`. */
  server: string;
  /** When it is aborted, a server that is away is no longer waited for. */
  stopping: AbortSignal;
}

/**
 * Repeats work until its server is there: whatever passes by itself is waited for, with growing pauses, everything else
 * is thrown at once. The work must be safe to repeat, because its last statement may have been done.
 */
export async function outlast<T>(work: () => Promise<T>, { log, server, stopping }: OutlastOptions): Promise<T> {
  const startedAt = performance.now();
  for (let failures = 0; ; ) {
    try {
      const result = await work();
      if (failures > 0) log.info({ server, afterMs: Math.round(performance.now() - startedAt) }, "went on");
      return result;
    } catch (error) {
      if (!isTransient(error) || stopping.aborted) throw error;
      log.warn({ error: messageOf(error) }, `waiting for ${server}`);
      await delay(backoffMs(++failures, bounds), undefined, { signal: stopping }).catch(() => undefined);
    }
  }
}
