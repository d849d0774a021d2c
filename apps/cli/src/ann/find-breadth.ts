export interface BreadthBounds {
  least: number;
  most: number;
  /** Where to begin to look. */
  start: number;
  targetRecall: number;
}

export interface FoundBreadth {
  breadth: number;
  recall: number;
  reached: boolean;
}

/**
 * The least breadth of search that reaches a recall, where a wider search finds no less: doubled until it does, then the
 * gap to the widest that does not is halved until there is none. Where none reaches it, the widest.
 */
export async function findBreadth(
  { least, most, start, targetRecall }: BreadthBounds,
  measure: (breadth: number) => Promise<number>,
): Promise<FoundBreadth> {
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
