import { setTimeout as wait } from "node:timers/promises";
import { TransientHubError } from "./hub-request.ts";

const tries = 6;
const firstWaitMs = 500;

interface RetryOptions {
  signal: AbortSignal | undefined;
  /** A measure of progress. An attempt that got further than all before it resets the count of failures. */
  progress?: () => number;
}

/** Retries temporary failures: at most six in a row, with jittered waits of up to 8 s and 15 s in all. */
export async function retryTransient<T>(
  attempt: () => Promise<T>,
  { signal, progress = () => 0 }: RetryOptions,
): Promise<T> {
  let furthest = progress();
  for (let failures = 1; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof TransientHubError)) throw error;
      if (progress() > furthest) {
        furthest = progress();
        failures = 1;
      }
      if (failures === tries) throw error;
      const longestMs = firstWaitMs * 2 ** (failures - 1);
      await wait(longestMs * (0.5 + Math.random() / 2), undefined, { signal });
    }
  }
}
