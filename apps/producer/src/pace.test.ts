import { expect, test } from "vitest";
import { decidePace, shareOfTick } from "./pace.ts";

const bounds = { replicationLagSeconds: 10, activeSessions: 50, searchP95Ms: 1_000 };
const idle = { replicationLagSeconds: null, activeSessions: 0, searchP95Ms: null };

test("a measure that is not available limits nothing", () => {
  expect(decidePace(idle, bounds)).toEqual({ speed: "free", reason: null });
});

test("each limit slows from four fifths on, stops above it, and is named in the reason", () => {
  const speeds = (measure: keyof typeof bounds) =>
    [0.79, 0.8, 1, 1.01].map((share) => decidePace({ ...idle, [measure]: share * bounds[measure] }, bounds).speed);
  for (const measure of ["replicationLagSeconds", "activeSessions", "searchP95Ms"] as const) {
    expect(speeds(measure)).toEqual(["free", "slow", "slow", "none"]);
  }
  expect(decidePace({ ...idle, replicationLagSeconds: 42.04 }, bounds).reason).toBe(
    "The slowest standby is behind by 42 s, more than MAX_REPLICATION_LAG_SECONDS, 10 s.",
  );
  expect(decidePace({ ...idle, activeSessions: 45 }, bounds).reason).toBe(
    "Active sessions of the database: 45, near MAX_ACTIVE_SESSIONS, 50: slowed down.",
  );
});

test("of several limits the one that is exceeded most is named", () => {
  const load = { replicationLagSeconds: 11, activeSessions: 60, searchP95Ms: 1_500 };
  expect(decidePace(load, bounds).reason).toBe(
    "The 95th percentile of searches is 1,500 ms, more than MAX_SEARCH_P95_MS, 1,000 ms.",
  );
});

test("the shares of ticks add up to the rate, also for fractions of a chunk", () => {
  for (const rate of [0.3, 7, 12.5, 1_000]) {
    const ticks = Array.from({ length: 1_000 }, (_, index) => 1_700_000_000_000 + 5_000 * index);
    const sum = ticks.reduce((total, now) => total + shareOfTick(rate, 5_000, now), 0);
    expect(Math.abs(sum - rate * 5_000)).toBeLessThanOrEqual(1);
  }
});
