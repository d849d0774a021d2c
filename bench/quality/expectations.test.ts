import { expect, test } from "vitest";
import { judgeCost, judgeGain, judgeLatency } from "./expectations.ts";

test("a gain is reached beyond doubt only if its whole interval is above the expectation", () => {
  expect(judgeGain({ mean: 0.4, low: 0.26, high: 0.6 }, 0.25)).toBe("reached beyond doubt");
  expect(judgeGain({ mean: 0.4, low: 0.1, high: 0.6 }, 0.25)).toBe("reached; how far is uncertain");
  expect(judgeGain({ mean: 0.4, low: -0.1, high: 0.9 }, 0.25)).toBe("reached, perhaps by chance");
});

test("a gain below the expectation may still be a gain", () => {
  expect(judgeGain({ mean: 0.2, low: 0.1, high: 0.3 }, 0.25)).toBe("missed, but better beyond doubt");
  expect(judgeGain({ mean: 0.1, low: -0.1, high: 0.3 }, 0.25)).toBe("not shown with these queries");
  expect(judgeGain({ mean: 0.1, low: -0.1, high: 0.2 }, 0.25)).toBe("missed");
  expect(judgeGain({ mean: -0.3, low: -0.5, high: -0.1 }, 0.25)).toBe("missed: it is worse");
});

test("a cost is compared with the expectation", () => {
  expect(judgeCost(2.5, 3)).toBe("within what was expected");
  expect(judgeCost(3.5, 3)).toBe("more than was expected");
  expect(judgeCost(-0.1, 3)).toBe("costs nothing more");
  expect(judgeCost(undefined, 18)).toBe("not measured: this system does not tell");
});

test("a latency within a tenth is unchanged", () => {
  expect([-0.2, -0.05, 0.1, 0.3].map(judgeLatency)).toEqual(["faster", "unchanged", "unchanged", "slower"]);
});
