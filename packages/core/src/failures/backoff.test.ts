import { expect, test } from "vitest";
import { backoffMs } from "./backoff.ts";

const bounds = { leastMs: 100, mostMs: 1_000 };

test("each failure doubles the wait, up to a maximum", () => {
  const waits = [1, 2, 3, 4, 5, 2_000].map((failures) => backoffMs(failures, bounds, () => 1));
  expect(waits).toEqual([100, 200, 400, 800, 1_000, 1_000]);
});

test("jitter takes off at most half of the wait", () => {
  expect([0, 0.5].map((chance) => backoffMs(2, bounds, () => chance))).toEqual([100, 150]);
});
