import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { endsWithin, tellSilence } from "./no-answer.ts";

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

test("what ends in time is waited for, its failure included", async () => {
  expect(await endsWithin(60_000, Promise.resolve())).toBe(true);
  await expect(endsWithin(60_000, Promise.reject(new Error("no")))).rejects.toThrow("no");
});

test("what does not end in time is left alone, and nobody is told how it fails later", async () => {
  const { promise, reject } = Promise.withResolvers<void>();
  const ended = endsWithin(1_000, promise);
  vi.advanceTimersByTime(1_000);
  expect(await ended).toBe(false);
  reject(new Error("too late"));
});
