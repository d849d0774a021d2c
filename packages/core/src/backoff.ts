export interface BackoffBounds {
  leastMs: number;
  mostMs: number;
}

/**
 * How long to wait after so many failures in a row: twice as long each time, and at random between half of that and
 * all of it, so that a fleet does not come back to its server in one moment.
 */
export function backoffMs(failures: number, { leastMs, mostMs }: BackoffBounds, random = Math.random): number {
  const longest = Math.min(mostMs, leastMs * 2 ** (failures - 1));
  return longest * (0.5 + random() / 2);
}
