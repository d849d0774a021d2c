import { afterEach, expect, test, vi } from "vitest";
import { ModelTime } from "./model-time.ts";

afterEach(() => void vi.useRealTimers());

test("idle is what lies between runs, and not what lies before the first or behind the last", () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  const time = new ModelTime();
  vi.advanceTimersByTime(10_000);
  time.ran({ seconds: 4 });
  vi.advanceTimersByTime(6_000);
  time.ran({ seconds: 5 });
  vi.advanceTimersByTime(8_000);
  expect(time.takeIdleShare()).toBeCloseTo(0.1);
});

test("runs that overlap count once, and the time between runs not at all", () => {
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
