export interface SearchSettingBounds {
  least: number;
  most: number;
  /** Where the search for it begins. */
  start: number;
  targetRecall: number;
}

export interface FoundSearchSetting {
  searchSetting: number;
  recall: number;
  reached: boolean;
}

/**
 * The lowest ef_search (or probes) that reaches a recall, given that a higher one never finds less. It is doubled until the
 * recall is reached, then the gap to the highest insufficient value is halved until it is closed. If none reaches the
 * recall, the highest allowed value is returned.
 */
export async function findSearchSetting(
  { least, most, start, targetRecall }: SearchSettingBounds,
  measure: (searchSetting: number) => Promise<number>,
): Promise<FoundSearchSetting> {
  let failed = least - 1;
  let searchSetting = Math.min(most, Math.max(least, start));
  let recall = await measure(searchSetting);
  while (recall < targetRecall) {
    if (searchSetting === most) return { searchSetting, recall, reached: false };
    failed = searchSetting;
    searchSetting = Math.min(most, 2 * searchSetting);
    recall = await measure(searchSetting);
  }
  while (searchSetting - failed > 1) {
    const between = Math.floor((failed + searchSetting) / 2);
    const found = await measure(between);
    if (found < targetRecall) failed = between;
    else [searchSetting, recall] = [between, found];
  }
  return { searchSetting, recall, reached: true };
}
