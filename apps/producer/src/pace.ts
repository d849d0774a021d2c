import type { DatabaseLoad } from "@reembed/store/database";

/** What the database and the search may bear before the backfill stands back. */
export interface LoadBounds {
  replicationLagSeconds: number;
  activeSessions: number;
  searchP95Ms: number;
}

/** `free`: as much as there is room for. `slow`: a little at a time. `none`: nothing, until the load is less. */
export interface Pace {
  speed: "free" | "slow" | "none";
  /** For a person; null when it is free. */
  reason: string | null;
}

/** From this share of a bound on it is near. */
const nearFrom = 0.8;

const measures = [
  ["replicationLagSeconds", "The slowest standby is behind by", "s", "MAX_REPLICATION_LAG_SECONDS"],
  ["activeSessions", "Active sessions of the database:", "", "MAX_ACTIVE_SESSIONS"],
  ["searchP95Ms", "The 95th percentile of searches is", "ms", "MAX_SEARCH_P95_MS"],
] as const;

/** The pace of a backfill under a load: the measure that is nearest to its bound, or furthest beyond it, decides. */
export function decidePace(load: DatabaseLoad, bounds: LoadBounds): Pace {
  const shares = measures.map(([name, what, unit, variable]) => {
    const value = load[name] ?? 0;
    const text = (number: number) => `${Number(number.toFixed(1)).toLocaleString("en")} ${unit}`.trimEnd();
    return {
      share: value / bounds[name],
      values: `${what} ${text(value)}`,
      bound: `${variable}, ${text(bounds[name])}`,
    };
  });
  const worst = shares.reduce((a, b) => (b.share > a.share ? b : a));
  if (worst.share > 1) return { speed: "none", reason: `${worst.values}, more than ${worst.bound}.` };
  if (worst.share >= nearFrom) return { speed: "slow", reason: `${worst.values}, near to ${worst.bound}: slowed.` };
  return { speed: "free", reason: null };
}

/**
 * Chunks that a rate gives to the tick that is made now, and that are lost if it does not take them. Ticks of a fraction
 * of a chunk add up: the whole chunks of all time until now, less those until the last tick.
 */
export function shareOfTick(chunksPerSecond: number, tickMs: number, nowMs: number): number {
  const until = (ms: number) => Math.floor((chunksPerSecond * ms) / 1_000);
  return until(nowMs) - until(nowMs - tickMs);
}
