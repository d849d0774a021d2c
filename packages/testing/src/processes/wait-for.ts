import { setTimeout as delay } from "node:timers/promises";
import { inspect } from "node:util";
import { ReembedError } from "@reembed/core";

/**
 * Polls until `probe` returns something truthy, and returns that. An error of the probe is thrown at once.
 * @throws ReembedError `wait_timeout` with the description and the last value after `timeoutMs`, by default four minutes,
 * which a busy machine may need.
 */
export async function waitFor<T>(
  description: string,
  probe: () => T | Promise<T>,
  { timeoutMs = 240_000, intervalMs = 20 }: { timeoutMs?: number; intervalMs?: number } = {},
): Promise<NonNullable<T>> {
  const deadline = performance.now() + timeoutMs;
  while (true) {
    const value = await probe();
    if (value) return value;
    if (performance.now() >= deadline) {
      throw new ReembedError(
        "wait_timeout",
        `Waited ${timeoutMs} ms for ${description}; the last value was ${inspect(value)}`,
      );
    }
    await delay(intervalMs);
  }
}
