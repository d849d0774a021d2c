import type { SearchResult } from "@reembed/store/search";

/** The body of an answer. */
export interface SearchAnswer {
  requestId: string;
  profile: string;
  tookMs: number;
  results: SearchResult[];
}

/** The part of the results that an event keeps. */
export function listed(results: readonly SearchResult[]): { chunkIds: number[]; scores: number[] } {
  return { chunkIds: results.map(({ chunkId }) => chunkId), scores: results.map(({ score }) => score) };
}

/** Elapsed milliseconds, rounded to a hundredth. */
export function elapsedMs(startedAt: number): number {
  return Math.round(100 * (performance.now() - startedAt)) / 100;
}
