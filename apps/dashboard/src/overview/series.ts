import type { MinuteOfWork } from "@reembed/store/progress";

/** The columns of a chart: minutes in seconds since 1970, and the rates per second in each. */
export type Series = [minutes: number[], chunksPerSecond: number[], tokensPerSecond: number[]];

/** Rates of a history. The rate of the current minute is over its elapsed part, but at least ten seconds. */
export function toSeries(history: readonly MinuteOfWork[], now: Date): Series {
  const secondsOf = ({ minute }: MinuteOfWork) =>
    Math.min(60, Math.max(10, (now.getTime() - minute.getTime()) / 1_000));
  const rate = (of: "chunks" | "tokens") => history.map((work) => Math.round((100 * work[of]) / secondsOf(work)) / 100);
  return [history.map(({ minute }) => minute.getTime() / 1_000), rate("chunks"), rate("tokens")];
}
