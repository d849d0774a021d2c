import { expect, test } from "vitest";
import { findBreadth } from "./find-breadth.ts";

const bounds = { least: 15, most: 1_000, start: 40, targetRecall: 0.98 };

/** Recall reaches the target at this breadth. */
function search(enough: number, options = bounds) {
  const tried: number[] = [];
  const found = findBreadth(options, async (breadth) => {
    tried.push(breadth);
    return breadth >= enough ? 0.99 : 0.9;
  });
  return found.then((result) => ({ ...result, tried }));
}

test("the least breadth that is enough is found, above the start and below it, in few steps", async () => {
  for (const enough of [15, 16, 39, 40, 41, 137, 999, 1_000]) {
    const { breadth, recall, reached, tried } = await search(enough);
    expect({ breadth, recall, reached }).toEqual({ breadth: enough, recall: 0.99, reached: true });
    expect(tried.length).toBeLessThanOrEqual(15);
  }
});

test("it goes neither below the least nor above the most", async () => {
  expect((await search(3)).breadth).toBe(15);
  expect(await search(2_000)).toMatchObject({ breadth: 1_000, recall: 0.9, reached: false });
  expect((await search(1, { ...bounds, least: 1, most: 1, start: 4 })).tried).toEqual([1]);
});
