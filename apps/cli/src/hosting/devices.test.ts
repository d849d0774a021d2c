import { availableParallelism } from "node:os";
import { expect, test } from "vitest";
import { threadsOf } from "./devices.ts";

test("processes on a CPU share its cores, and each has at least one", () => {
  const cores = availableParallelism();
  expect(threadsOf("cpu", cores)).toBe(1);
  expect(threadsOf("cpu", 4 * cores)).toBe(1);
  expect(threadsOf("cpu", 2)).toBe(Math.max(1, Math.floor(cores / 2)));
});

test("for a single process, and for one on a GPU, ONNX Runtime chooses the threads", () => {
  expect(threadsOf("cpu", 1)).toBeUndefined();
  expect(threadsOf("cuda:1", 4)).toBeUndefined();
});
