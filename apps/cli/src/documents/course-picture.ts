import { formatCount, formatRate } from "@reembed/core";
import { type Html, html } from "@reembed/http/html";
import type { MigrationReport } from "@reembed/migration/report";
import { moment } from "./parts.ts";

/** Units of the picture, which is scaled to the width of the page. */
const size = { width: 720, height: 240, left: 56, right: 8, top: 48, bottom: 24 };

export interface CourseMark {
  at: Date;
  /** Whether something went wrong. */
  bad: boolean;
}

/**
 * The chunks per second of each profile over the time of the migration, and a numbered line for each mark.
 * @returns Nothing if there was neither work nor a mark.
 */
export function renderCourse({ course, at, profiles }: MigrationReport, marks: readonly CourseMark[]): Html | false {
  const moments = [
    ...marks.map((mark) => mark.at),
    ...(course === null ? [] : [new Date(course.from), new Date(course.to)]),
  ];
  if (moments.length === 0) return false;
  const [from, to] = [Math.min(...moments.map(Number)), Math.max(...moments.map(Number), Date.parse(at))];
  const names = profiles.map(({ status }) => status.profile);
  const parts = course?.parts ?? [];
  const seconds = course?.secondsPerPart ?? 60;
  const peak = Math.max(1e-3, ...parts.map(({ chunks }) => chunks / seconds));
  const x = (time: number) =>
    size.left + ((time - from) / Math.max(1, to - from)) * (size.width - size.left - size.right);
  const bottom = size.height - size.bottom;
  const y = (rate: number) => bottom - (rate / peak) * (bottom - size.top);
  const width = Math.max(1.5, x(from + 1_000 * seconds) - x(from));
  const levels = labelLevels(marks.map((mark) => x(Number(mark.at))));
  const summary = `From ${moment(new Date(from))} to ${moment(new Date(to))}: ${names.map((name) => describeWork(name, parts)).join(", ")}; ${formatCount(marks.length)} events.`;
  return html`<div class="scroll" role="region" tabindex="0" aria-label="Course of the migration"><svg class="course" viewBox="0 0 ${size.width} ${size.height}" role="img" aria-label="${summary}">
${[0, 0.5, 1].map((share) => html`<line class="grid" x1="${size.left}" x2="${size.width - size.right}" y1="${y(share * peak)}" y2="${y(share * peak)}"/><text x="${size.left - 6}" y="${y(share * peak) + 4}" text-anchor="end">${formatRate(share * peak)}</text>`)}
${parts.map(({ profile, from: start, chunks }) => {
  const place = names.indexOf(profile);
  return html`<rect class="${place === 0 ? "first" : "second"}" x="${x(Number(new Date(start))) + (place * width) / 2}" y="${y(chunks / seconds)}" width="${width / 2}" height="${bottom - y(chunks / seconds)}"/>`;
})}
${marks.map(({ at: when, bad }, index) => html`<line class="${bad ? "event bad" : "event"}" x1="${x(Number(when))}" x2="${x(Number(when))}" y1="${size.top - 6}" y2="${bottom}"/><text x="${x(Number(when))}" y="${size.top - 10 - 12 * (levels[index] ?? 0)}" text-anchor="middle">${index + 1}</text>`)}
<text x="${size.left}" y="${size.height - 6}">${moment(new Date(from))}</text>
<text x="${size.width - size.right}" y="${size.height - 6}" text-anchor="end">${moment(new Date(to))}</text>
</svg></div>
<p class="note">Chunks per second: ${names.map((name, place) => html`<svg class="key" viewBox="0 0 10 10" aria-hidden="true"><rect class="${place === 0 ? "first" : "second"}" width="10" height="10"/></svg> ${name} `)}</p>
`;
}

/** How high each label stands, so that labels side by side do not cover each other. */
function labelLevels(places: readonly number[]): number[] {
  const levels: number[] = [];
  for (const [index, place] of places.entries()) {
    const before = places[index - 1];
    const close = before !== undefined && place - before < 16;
    levels.push(close ? ((levels[index - 1] ?? 0) + 1) % 3 : 0);
  }
  return levels;
}

function describeWork(name: string, parts: readonly { profile: string; chunks: number }[]): string {
  const chunks = parts.filter(({ profile }) => profile === name).reduce((sum, part) => sum + part.chunks, 0);
  return `${formatCount(chunks)} chunks of ${name}`;
}
