import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { tellSilence } from "./no-answer.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("five seconds without an answer are told once, and the answer is waited for", async () => {
  const told: string[] = [];
  const { promise, resolve } = Promise.withResolvers<string>();
  const answer = tellSilence(promise, (error) => told.push(error.message));
  vi.advanceTimersByTime(60_000);
  expect(told).toEqual(["no answer for 5 s"]);
  resolve("here");
  expect(await answer).toBe("here");
});

test("an answer in time leaves nothing to tell", async () => {
  const tell = vi.fn();
  await tellSilence(Promise.resolve(), tell);
  vi.advanceTimersByTime(60_000);
  expect(tell).not.toHaveBeenCalled();
});
