import { formatPercent, type Interval, type RankingMeasures } from "@reembed/retrieval/measures";

export const measureTitles: Record<keyof RankingMeasures, string> = {
  ndcg10: "nDCG@10",
  recall10: "recall@10",
  mrr10: "MRR@10",
  precision5: "precision@5",
  recall15k: "recall in 15,000 characters",
};

/** `81 % [75, 87]` */
export function formatPercentInterval({ mean, low, high }: Interval): string {
  return `${formatPercent(mean)} [${Math.round(100 * low)}, ${Math.round(100 * high)}]`;
}

/** `+25 %`, and with an interval `+25 % [11, 38]` */
export function formatChange(change: number | undefined, low?: number, high?: number): string {
  if (change === undefined) return "–";
  const percent = (value: number) => (Number.isFinite(value) ? Math.round(100 * value).toLocaleString("en") : "∞");
  const interval = low === undefined || high === undefined ? "" : ` [${percent(low)}, ${percent(high)}]`;
  return `${change < 0 ? "" : "+"}${percent(change)} %${interval}`;
}

/** Three significant digits, with the unit: `0.412`, `4.12 s`. */
export function formatFigure(value: number | undefined, unit: string): string {
  if (value === undefined) return "–";
  const figure = value >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(3);
  return unit === "" ? figure : `${figure} ${unit}`;
}
