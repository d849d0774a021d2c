import type { Interval } from "./bootstrap.ts";

/** `0.512 [0.447, 0.576]` */
export function formatInterval({ mean, low, high }: Interval): string {
  return `${mean.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`;
}

/** `+0.081 [0.040, 0.124]` */
export function formatDifference(interval: Interval): string {
  return `${interval.mean < 0 ? "" : "+"}${formatInterval(interval)}`;
}

/** `81 %` */
export function formatPercent(share: number): string {
  return `${Math.round(100 * share)} %`;
}
