import type { MinuteOfWork } from "@reembed/store";

export function formatCount(count: number): string {
  return Math.round(count).toLocaleString("en");
}

/** Small rates keep one decimal: a CPU embeds less than one long chunk per second. */
export function formatRate(rate: number): string {
  return rate >= 10 || rate === 0 ? formatCount(rate) : rate.toFixed(1);
}

/** `99.9`; 100.0 only if it is complete. */
export function formatPercent(share: number): string {
  return (Math.floor(1_000 * share) / 10).toFixed(1);
}

export function formatDuration(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`;
  return seconds < 129_600 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} days`;
}

/** The columns of a chart: minutes in seconds since 1970, and the rates per second in each. */
export type Series = [minutes: number[], chunksPerSecond: number[], tokensPerSecond: number[]];

/** Rates of a history. The rate of the current minute is over its elapsed part, but at least ten seconds. */
export function toSeries(history: readonly MinuteOfWork[], now: Date): Series {
  const secondsOf = ({ minute }: MinuteOfWork) =>
    Math.min(60, Math.max(10, (now.getTime() - minute.getTime()) / 1_000));
  const rate = (of: "chunks" | "tokens") => history.map((work) => Math.round((100 * work[of]) / secondsOf(work)) / 100);
  return [history.map(({ minute }) => minute.getTime() / 1_000), rate("chunks"), rate("tokens")];
}
