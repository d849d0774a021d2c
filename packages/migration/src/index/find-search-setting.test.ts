import { expect, test } from "vitest";
import { findSearchSetting } from "./find-search-setting.ts";

const bounds = { least: 15, most: 1_000, start: 40, targetRecall: 0.98 };

/** A search whose recall reaches the target at this ef_search. */
function search(enough: number, options = bounds) {
  const tried: number[] = [];
  const found = findSearchSetting(options, async (searchSetting) => {
    tried.push(searchSetting);
    return searchSetting >= enough ? 0.99 : 0.9;
  });
  return found.then((result) => ({ ...result, tried }));
}

test("the lowest sufficient ef_search is found, above and below the start, in few steps", async () => {
  for (const enough of [15, 16, 39, 40, 41, 137, 999, 1_000]) {
    const { searchSetting, recall, reached, tried } = await search(enough);
    expect({ searchSetting, recall, reached }).toEqual({ searchSetting: enough, recall: 0.99, reached: true });
    expect(tried.length).toBeLessThanOrEqual(15);
  }
});

test("it stays within the bounds", async () => {
  expect((await search(3)).searchSetting).toBe(15);
  expect(await search(2_000)).toMatchObject({ searchSetting: 1_000, recall: 0.9, reached: false });
  expect((await search(1, { ...bounds, least: 1, most: 1, start: 4 })).tried).toEqual([1]);
});
