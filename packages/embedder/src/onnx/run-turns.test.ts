import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { RunTurns } from "./run-turns.ts";

test("as many runs are let in as the limit says, and then those of the oldest batch, in their order", async () => {
  const turns = new RunTurns(2);
  const started: string[] = [];
  const ends: (() => void)[] = [];
  const runs = ["1a", "2a", "2b", "3a", "1b", "1c"].map((name) =>
    turns.take(Number(name[0]), () => {
      started.push(name);
      const { promise, resolve } = Promise.withResolvers<void>();
      ends.push(resolve);
      return promise;
    }),
  );
  await setImmediate();
  expect(started).toEqual(["1a", "2a"]);
  for (let ended = 0; ended < runs.length; ended++) {
    ends[ended]?.();
    await setImmediate();
  }
  await Promise.all(runs);
  expect(started).toEqual(["1a", "2a", "1b", "1c", "2b", "3a"]);
});

test("a run that fails lets the next one in, and a later run needs not wait", async () => {
  const turns = new RunTurns(1);
  const failing = turns.take(1, () => Promise.reject(new Error("it failed")));
  const next = turns.take(1, async () => "next");
  await expect(failing).rejects.toThrow("it failed");
  expect(await next).toBe("next");
  expect(await turns.take(1, async () => "later")).toBe("later");
});
