import type { DatabaseLoad } from "@reembed/store/database";

/** The limits of the database's and the search's load for a backfill. */
export interface LoadBounds {
  replicationLagSeconds: number;
  activeSessions: number;
  searchP95Ms: number;
}

/** `free`: as much as the queue has room for. `slow`: a little at a time. `none`: nothing, until the load has fallen. */
export interface Pace {
  speed: "free" | "slow" | "none";
  /** The reason as a sentence; null if it is free. */
  reason: string | null;
}

/** From this share of a limit on, the backfill is slowed down. */
const nearFrom = 0.8;

const measures = [
  ["replicationLagSeconds", "The slowest standby is behind by", "s", "MAX_REPLICATION_LAG_SECONDS"],
  ["activeSessions", "Active sessions of the database:", "", "MAX_ACTIVE_SESSIONS"],
  ["searchP95Ms", "The 95th percentile of searches is", "ms", "MAX_SEARCH_P95_MS"],
] as const;

/** The pace of a backfill under a load. The measure that is nearest to its limit, or exceeds it most, decides. */
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
  if (worst.share >= nearFrom) return { speed: "slow", reason: `${worst.values}, near ${worst.bound}: slowed down.` };
  return { speed: "free", reason: null };
}

/**
 * The number of chunks that a rate gives to the present tick; they are lost if the tick does not use them. Fractions of a
 * chunk add up: the share is the whole chunks of all time until now, minus those until the last tick.
 */
export function shareOfTick(chunksPerSecond: number, tickMs: number, nowMs: number): number {
  const until = (ms: number) => Math.floor((chunksPerSecond * ms) / 1_000);
  return until(nowMs) - until(nowMs - tickMs);
}
