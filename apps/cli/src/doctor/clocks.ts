import { describeWrongClock, readClockAhead, readWrongClocks, type WrongClock } from "@reembed/store";
import type { Check } from "./context.ts";
import { type Finding, ok, warning, withoutStop } from "./finding.ts";

/** Retries that wait, and rates, are told by clocks of several hosts. */
const mostMs = 2_000;

export const checkClocks: Check = async ({ database, redis, registered }) => {
  const ahead: Record<string, number> = {};
  if (database !== undefined) ahead.database = await readClockAhead(database);
  if (redis !== undefined) ahead.Redis = redis.clockAheadMs;
  // Before `reembed init` there is no process that could have found its clock wrong.
  const wrong = database === undefined || registered.length === 0 ? [] : await readWrongClocks(database);
  return [...(Object.keys(ahead).length === 0 ? [] : [judgeClocks(ahead)]), ...wrong.map(judgeWrongClock)];
};

/** Of a host on which a process runs, as the process found. */
export function judgeWrongClock(wrong: WrongClock): Finding {
  const remedy = "Have it follow a time server. Its processes go by the database's clock until then.";
  return warning("clocks", withoutStop(describeWrongClock(wrong)), remedy);
}

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
