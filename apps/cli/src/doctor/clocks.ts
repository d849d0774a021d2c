import { readClockAhead } from "@reembed/store";
import type { Check } from "./context.ts";
import { type Finding, ok, warning } from "./finding.ts";

/** Retries that wait, and rates, are told by clocks of several hosts. */
const mostMs = 2_000;

export const checkClocks: Check = async ({ database, redis }) => {
  const ahead: Record<string, number> = {};
  if (database !== undefined) ahead.database = await readClockAhead(database);
  if (redis !== undefined) ahead.Redis = redis.clockAheadMs;
  return Object.keys(ahead).length === 0 ? [] : [judgeClocks(ahead)];
};

/** @param ahead Milliseconds that a server's clock is ahead of this host's. */
export function judgeClocks(ahead: Record<string, number>): Finding {
  const says = Object.entries(ahead)
    .map(
      ([server, ms]) => `${server} ${(Math.abs(ms) / 1_000).toFixed(1)} s ${ms < 0 ? "behind" : "ahead of"} this host`,
    )
    .join(", ");
  const apart = Math.max(0, ...Object.values(ahead)) - Math.min(0, ...Object.values(ahead));
  if (apart <= mostMs) return ok("clocks", says);
  return warning("clocks", says, "Have all hosts follow a time server: retries come too early or too late otherwise.");
}
