import { formatCount, formatShare } from "@reembed/core";
import type { SampledRows } from "@reembed/store/diagnosis";

/**
 * Maximum number of rows to read; from a larger table, a random sample. 300,000 texts of 1,500 characters took 6 s, and
 * 20,000 vectors of 1,024 dimensions 1 s, on two cores with other load.
 */
export const most = { texts: 300_000, vectors: 100_000 };

/** `1,204 chunks`, or `a sample of 100,123 of 4,000,000 vectors`. */
export function describeSample({ rows, sampled }: SampledRows, what: string): string {
  if (sampled >= rows) return `${formatCount(rows)} ${what}`;
  return `a sample of ${formatCount(sampled)} of ${formatCount(rows)} ${what}`;
}

/** `3 are`, or for a sample `3 (0.1 %) are`. */
export function amount(count: number, { rows, sampled }: SampledRows): string {
  const share = sampled >= rows ? "" : ` (${formatShare(count / sampled)})`;
  return `${formatCount(count)}${share} ${count === 1 ? "is" : "are"}`;
}
