import { availableParallelism } from "node:os";
import { expect, test } from "vitest";
import { threadsOf } from "./devices.ts";

test("processes on a CPU share its cores, and each has one at least", () => {
  const cores = availableParallelism();
  expect(threadsOf("cpu", cores)).toBe(1);
  expect(threadsOf("cpu", 4 * cores)).toBe(1);
  expect(threadsOf("cpu", 2)).toBe(Math.max(1, Math.floor(cores / 2)));
});

test("a process alone, and one with a GPU, leave their threads to ONNX Runtime", () => {
  expect(threadsOf("cpu", 1)).toBeUndefined();
  expect(threadsOf("cuda:1", 4)).toBeUndefined();
});
