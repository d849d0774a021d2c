import type { Interval } from "@reembed/retrieval/measures";
import { element, legend, line, picture, type System, systems, type Theme, text } from "./svg.ts";

export interface BarGroup {
  title: string;
  rows: ({ label: string } & Record<System, Interval>)[];
}

const width = 760;
const left = 210;
const right = 60;
const top = 32;
const barHeight = 10;
const barStep = 14;
const rowHeight = systems.length * barStep + 8;
const headingHeight = 28;
const ticks = [0, 0.25, 0.5, 0.75, 1];

/** Rows of three bars from 0 to 1 with intervals, grouped under headings. */
export function drawBars(
  { title, groups, names }: { title: string; groups: readonly BarGroup[]; names: Record<System, string> },
  theme: Theme,
): string {
  let y = top;
  const content: string[] = [];
  for (const { title, rows } of groups) {
    if (title !== "") {
      y += headingHeight;
      content.push(text([0, y - 9], title, theme.ink, { "font-weight": 600 }));
    }
    const bottom = y + rows.length * rowHeight;
    content.push(...ticks.map((value) => line([x(value), y - 2], [x(value), bottom - 6], theme.grid)));
    for (const [index, row] of rows.entries()) content.push(...drawRow(row, y + index * rowHeight, theme));
    y = bottom;
  }
  const axis = ticks.map((value) => text([x(value), y + 10], `${value}`, theme.muted, { "text-anchor": "middle" }));
  return picture(title, width, y + 18, [...legend([0, 14], names, theme), ...content, ...axis]);
}

function x(value: number): number {
  return left + value * (width - left - right);
}

function drawRow(row: BarGroup["rows"][number], top: number, theme: Theme): string[] {
  const bars = systems.flatMap((system, index) => {
    const { mean, low, high } = row[system];
    const y = top + index * barStep;
    const center = y + barHeight / 2;
    const whisker = { "stroke-width": 1.5 };
    return [
      element("rect", { x: left, y, width: x(mean) - left, height: barHeight, fill: theme[system] }),
      line([x(low), center], [x(high), center], theme.ink, whisker),
      ...[low, high].map((end) => line([x(end), center - 3], [x(end), center + 3], theme.ink, whisker)),
      text([x(high) + 6, y + barHeight - 1], mean.toFixed(2), theme.muted, { "font-size": 10 }),
    ];
  });
  const middle = top + (systems.length * barStep) / 2 + 2;
  return [text([left - 12, middle], row.label, theme.ink, { "text-anchor": "end" }), ...bars];
}
