export interface BackoffBounds {
  leastMs: number;
  mostMs: number;
}

/**
 * How long to wait after this many failures in a row. The wait doubles with each failure, and a random part of up to
 * half is taken off, so that the processes of a fleet do not all reconnect to their server at once.
 */
export function backoffMs(failures: number, { leastMs, mostMs }: BackoffBounds, random = Math.random): number {
  const longest = Math.min(mostMs, leastMs * 2 ** (failures - 1));
  return longest * (0.5 + random() / 2);
}
