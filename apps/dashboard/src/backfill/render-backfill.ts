import { formatCount, formatDuration, isAtLeast, type Role } from "@reembed/core";
import { type Html, html } from "@reembed/http/html";
import { describeSpending, describeWaiting, describeWaits, type ProfileStatus } from "@reembed/migration/status";
import type { ProfileState } from "@reembed/store/schema";

/** Whether there is a backfill that could be paused. */
function hasBackfill({ state }: { state: ProfileState }): boolean {
  return state === "registered" || state === "backfilling";
}

/** The state of the backfill, what limits it and, for whoever may, a link to the page that pauses it. */
export function renderBackfill(status: ProfileStatus, role: Role): Html {
  const { profile, paused, throttleReason } = status;
  const spent = describeSpending(status);
  const action = paused ? "resume" : "pause";
  return html`<p id="state-${profile}">${describeBackfill(status)}</p>
${throttleReason !== null && html`<p class="warning" id="throttled-${profile}">${throttleReason}</p>`}
${describeWaits(status.workers).map((wait) => html`<p class="warning">${wait}</p>`)}
${spent !== null && html`<p id="spending-${profile}">${spent}.</p>`}
${
  hasBackfill(status) &&
  isAtLeast(role, "operator") &&
  html`<p><a class="button quiet" href="steer/backfill/${encodeURIComponent(profile)}/${action}" aria-label="${paused ? "Resume" : "Pause"} the backfill of ${profile}">${paused ? "Resume" : "Pause"}</a></p>`
}`;
}

function describeBackfill(status: ProfileStatus): string {
  const { state, paused, backfill } = status;
  const { order, until, rate } = backfill;
  if (status.asIs) return "Adopted as it is, without a model: the application keeps and searches its vectors.";
  if (state === "adopting") return "Its vectors are being copied from the adopted table.";
  if (state === "backfilled") {
    const waiting = describeWaiting(status, status.workers.length);
    return waiting === null ? "Complete: changes are embedded as they arrive." : `Backfilled: ${waiting}.`;
  }
  if (state === "retired") return "Retired: its vectors were removed.";
  if (paused) return "Paused: changes are still embedded.";
  if (state === "registered") return "Not started yet.";
  const settings = [
    { id: "oldest first", newest: "newest first", "most-searched": "most searched first" }[order],
    ...(until === null ? [] : [`up to ${Number((100 * until).toFixed(2))} %`]),
    ...(rate === null ? [] : [`at most ${rate} chunks/s`]),
  ];
  return `Backfilling: ${settings.join(", ")}.`;
}

/** The estimate next to the actual progress; nothing without an estimate. */
export function renderForecast({ profile, forecast }: ProfileStatus, at: Date): Html | false {
  if (forecast === null) return false;
  const { tokensPerChunk, tokensPerSecond, endsAt } = forecast;
  const number = (value: number | null) => (value === null ? "–" : formatCount(value));
  const time = (iso: string | null) => {
    if (iso === null) return "–";
    const seconds = (Date.parse(iso) - at.getTime()) / 1_000;
    return seconds < 0 ? `${formatDuration(-seconds)} ago` : `in ${formatDuration(seconds)}`;
  };
  return html`<table id="forecast-${profile}">
<caption>Estimate and actual progress</caption>
<thead><tr><th scope="col"></th><th scope="col" class="number">Estimated</th><th scope="col" class="number">Now</th></tr></thead>
<tbody>
<tr><th scope="row">Tokens per chunk</th><td class="number">${number(tokensPerChunk.estimated)}</td><td class="number">${number(tokensPerChunk.actual)}</td></tr>
<tr><th scope="row">Tokens/s</th><td class="number">${number(tokensPerSecond.estimated)}</td><td class="number">${number(tokensPerSecond.actual)}</td></tr>
<tr><th scope="row">End</th><td class="number">${time(endsAt.estimated)}</td><td class="number">${time(endsAt.actual)}</td></tr>
</tbody>
</table>`;
}
