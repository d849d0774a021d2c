import { expect, test } from "vitest";
import { layoutOf, packRuns, tokensOfRun } from "./run-layout.ts";

test.each([
  ["cpu", 3, "equal"],
  ["cpu", undefined, "equal"],
  ["cuda", 3, "packed"],
  ["cuda:1", 3, "packed"],
  // A graph that was prepared before packed graphs existed, and an exported graph.
  ["cuda", 2, "padded"],
  ["cuda", undefined, "padded"],
  ["webgpu", 3, "padded"],
] as const)("on %s a graph of builder %s is %s", (device, builder, layout) => {
  expect(layoutOf(device, builder)).toBe(layout);
});

test("each layout counts the tokens that its runs compute, and keeps runs within the budget", () => {
  const lengths = [10, 2, 2, 10, 6];
  const indexes = (layout: Parameters<typeof packRuns>[0]) =>
    packRuns(layout, lengths, 20).map((run) => run.indexes.map((index) => lengths[index]));
  expect(indexes("equal")).toEqual([[10, 10], [6], [2, 2]]);
  expect(indexes("padded")).toEqual([
    [10, 10],
    [6, 2, 2],
  ]);
  expect(indexes("packed")).toEqual([
    [10, 10],
    [6, 2, 2],
  ]);
  expect(tokensOfRun("padded", [6, 2, 2])).toBe(18);
  expect(tokensOfRun("packed", [6, 2, 2])).toBe(10);
});
