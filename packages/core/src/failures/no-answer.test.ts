import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { endsWithin, reportNoAnswer } from "./no-answer.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("after five seconds without an answer one report is made, and the wait goes on", async () => {
  const told: string[] = [];
  const { promise, resolve } = Promise.withResolvers<string>();
  const answer = reportNoAnswer(promise, (error) => told.push(error.message));
  vi.advanceTimersByTime(60_000);
  expect(told).toEqual(["no answer for 5 s"]);
  resolve("here");
  expect(await answer).toBe("here");
});

test("an answer in time is not reported", async () => {
  const tell = vi.fn();
  await reportNoAnswer(Promise.resolve(), tell);
  vi.advanceTimersByTime(60_000);
  expect(tell).not.toHaveBeenCalled();
});

test("an ending in time is awaited, and its failure is thrown", async () => {
  expect(await endsWithin(60_000, Promise.resolve())).toBe(true);
  await expect(endsWithin(60_000, Promise.reject(new Error("no")))).rejects.toThrow("no");
});

test("an ending that takes too long is abandoned, and its later failure is ignored", async () => {
  const { promise, reject } = Promise.withResolvers<void>();
  const ended = endsWithin(1_000, promise);
  vi.advanceTimersByTime(1_000);
  expect(await ended).toBe(false);
  reject(new Error("too late"));
});
