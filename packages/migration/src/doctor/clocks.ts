import { describeWrongClock, readClockAhead, readWrongClocks, type WrongClock } from "@reembed/store/diagnosis";
import type { Check } from "./context.ts";
import { type Finding, ok, warning, withoutStop } from "./finding.ts";

/** Delayed retries and rates are computed from the clocks of several hosts. */
const mostMs = 2_000;

export const checkClocks: Check = async ({ database, redis, registered }) => {
  const ahead: Record<string, number> = {};
  if (database !== undefined) ahead.database = await readClockAhead(database);
  if (redis !== undefined) ahead.Redis = redis.clockAheadMs;
  // Before `reembed init` no process has run that could have noticed a wrong clock.
  const wrong = database === undefined || registered.length === 0 ? [] : await readWrongClocks(database);
  return [...(Object.keys(ahead).length === 0 ? [] : [judgeClocks(ahead)]), ...wrong.map(judgeWrongClock)];
};

/** Judges the clock of a host on which a process runs, as that process measured it. */
export function judgeWrongClock(wrong: WrongClock): Finding {
  const remedy = "Synchronise this host with a time server. Until then its processes use the database's clock.";
  return warning("clocks", withoutStop(describeWrongClock(wrong)), remedy);
}

/** @param ahead How many milliseconds each server's clock is ahead of this host's. */
export function judgeClocks(ahead: Record<string, number>): Finding {
  const says = Object.entries(ahead)
    .map(
      ([server, ms]) => `${server} ${(Math.abs(ms) / 1_000).toFixed(1)} s ${ms < 0 ? "behind" : "ahead of"} this host`,
    )
    .join(", ");
  const apart = Math.max(0, ...Object.values(ahead)) - Math.min(0, ...Object.values(ahead));
  if (apart <= mostMs) return ok("clocks", says);
  return warning(
    "clocks",
    says,
    "Synchronise all hosts with a time server: otherwise retries come too early or too late.",
  );
}
