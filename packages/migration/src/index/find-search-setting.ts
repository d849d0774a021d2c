export interface SearchSettingBounds {
  least: number;
  most: number;
  /** Where the search for it begins. */
  start: number;
  targetRecall: number;
}

export interface FoundSearchSetting {
  breadth: number;
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
  measure: (breadth: number) => Promise<number>,
): Promise<FoundSearchSetting> {
  let failed = least - 1;
  let breadth = Math.min(most, Math.max(least, start));
  let recall = await measure(breadth);
  while (recall < targetRecall) {
    if (breadth === most) return { breadth, recall, reached: false };
    failed = breadth;
    breadth = Math.min(most, 2 * breadth);
    recall = await measure(breadth);
  }
  while (breadth - failed > 1) {
    const between = Math.floor((failed + breadth) / 2);
    const found = await measure(between);
    if (found < targetRecall) failed = between;
    else [breadth, recall] = [between, found];
  }
  return { breadth, recall, reached: true };
}
