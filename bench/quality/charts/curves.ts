import type { ThresholdEffect } from "@reembed/retrieval/measures";
import { element, line, picture, type Theme, text } from "./svg.ts";

export interface ThresholdPanel {
  system: "baseline" | "candidate";
  name: string;
  /** The profile's own threshold. */
  threshold: number;
  curve: readonly ThresholdEffect[];
}

const width = 760;
const height = 290;
const plot = { top: 34, bottom: 240, width: 310, gap: 90, left: 44 };

/** For each profile, the right and the wrong answers that each threshold lets through. */
export function drawThresholds(title: string, panels: readonly ThresholdPanel[], theme: Theme): string {
  return picture(
    title,
    width,
    height,
    panels.flatMap((panel, index) => drawPanel(panel, plot.left + index * (plot.width + plot.gap), theme)),
  );
}

function drawPanel({ system, name, threshold, curve }: ThresholdPanel, left: number, theme: Theme): string[] {
  const x = (value: number) => left + value * plot.width;
  const y = (share: number) => plot.bottom - share * (plot.bottom - plot.top);
  const axes = [0, 0.25, 0.5, 0.75, 1].flatMap((value) => [
    line([x(0), y(value)], [x(1), y(value)], theme.grid),
    text([x(0) - 8, y(value) + 4], `${100 * value} %`, theme.muted, { "text-anchor": "end", "font-size": 10 }),
    text([x(value), plot.bottom + 16], `${value}`, theme.muted, { "text-anchor": "middle", "font-size": 10 }),
  ]);
  const path = (share: "answered" | "misled", attributes: Record<string, string | number>) =>
    element("polyline", {
      points: curve.map((effect) => `${x(effect.threshold).toFixed(1)},${y(effect[share]).toFixed(1)}`).join(" "),
      fill: "none",
      "stroke-width": 2,
      ...attributes,
    });
  const key = (at: number, stroke: string, label: string, attributes: Record<string, string> = {}) => [
    line([at, height - 12], [at + 24, height - 12], stroke, { "stroke-width": 2, ...attributes }),
    text([at + 30, height - 8], label, theme.ink, { "font-size": 11 }),
  ];
  return [
    text([left, 16], `${name}, its threshold at ${threshold}`, theme.ink, { "font-weight": 600 }),
    ...axes,
    line([x(threshold), plot.top], [x(threshold), plot.bottom], theme.ink, { "stroke-dasharray": "2 3" }),
    path("misled", { stroke: theme.wrong, "stroke-dasharray": "6 4" }),
    path("answered", { stroke: theme[system] }),
    ...key(left, theme[system], "rightly answered"),
    ...key(left + 150, theme.wrong, "wrongly answered", { "stroke-dasharray": "6 4" }),
  ];
}
