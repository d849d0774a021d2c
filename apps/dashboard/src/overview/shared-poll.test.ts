import { waitFor } from "@reembed/testing";
import { expect, onTestFinished, test } from "vitest";
import { SharedPoll } from "./shared-poll.ts";

function openPoll(read: (turn: number) => Promise<number>, intervalMs = 5) {
  const errors: unknown[] = [];
  const counts = { reads: 0 };
  const poll = new SharedPoll({
    read: () => read(++counts.reads),
    intervalMs,
    onError: (error) => void errors.push(error),
  });
  onTestFinished(() => poll[Symbol.asyncDispose]());
  return { poll, errors, counts };
}

test("nothing is read while nobody watches", async () => {
  const { poll, counts } = openPoll(async (turn) => turn);
  const stop = poll.watch(() => {});
  await waitFor("a few reads", () => counts.reads > 3);
  stop();
  const before = counts.reads;
  expect(await poll.read()).toBeLessThanOrEqual(before + 1);
  expect(counts.reads).toBeLessThanOrEqual(before + 1);
});

test("any number of watchers and pages share one read", async () => {
  const gate = Promise.withResolvers<number>();
  const { poll, counts } = openPoll(() => gate.promise, 60_000);
  const seen: number[] = [];
  for (let viewer = 0; viewer < 5; viewer++) poll.watch((value) => seen.push(value));
  const pages = Promise.all([poll.read(), poll.read()]);
  gate.resolve(7);
  expect(await pages).toEqual([7, 7]);
  await waitFor("every watcher to see it", () => seen.length === 5);
  expect(await poll.read()).toBe(7);
  expect(counts.reads).toBe(1);
});

test("a failed read is reported, and the next one follows", async () => {
  const { poll, errors } = openPoll(async (turn) => {
    if (turn === 1) throw new Error("the database is away");
    return turn;
  });
  const seen: number[] = [];
  poll.watch((value) => seen.push(value));
  await waitFor("a value after the failure", () => seen.length > 0);
  expect(errors).toEqual([new Error("the database is away")]);
});

test("an error of a watcher is reported, and the others still get the value", async () => {
  const { poll, errors } = openPoll(async (turn) => turn);
  const seen: number[] = [];
  poll.watch(() => {
    throw new Error("the page is gone");
  });
  poll.watch((value) => seen.push(value));
  await waitFor("two values", () => seen.length > 1);
  expect(errors[0]).toEqual(new Error("the page is gone"));
});
