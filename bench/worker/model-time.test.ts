import { afterEach, expect, test, vi } from "vitest";
import { ModelTime } from "./model-time.ts";

afterEach(() => void vi.useRealTimers());

test("only the time between runs is idle, not the time before the first or after the last", () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  const time = new ModelTime();
  vi.advanceTimersByTime(10_000);
  time.ran({ seconds: 4 });
  vi.advanceTimersByTime(6_000);
  time.ran({ seconds: 5 });
  vi.advanceTimersByTime(8_000);
  expect(time.takeIdleShare()).toBeCloseTo(0.1);
});

test("overlapping runs count once, and the time between runs does not count", () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  const time = new ModelTime();
  vi.advanceTimersByTime(10_000);
  time.ran({ seconds: 4 });
  vi.advanceTimersByTime(2_000);
  time.ran({ seconds: 5 });
  vi.advanceTimersByTime(8_000);
  time.ran({ seconds: 1 });
  expect(time.take()).toBeCloseTo(7);
  expect(time.take()).toBe(0);
});
