import { formatCount, formatDuration, formatPercent, formatRate, type Role } from "@reembed/core";
import { type Html, html } from "@reembed/http/html";
import type { ProfileStatus } from "@reembed/migration/status";
import { renderBackfill, renderForecast } from "../backfill/render-backfill.ts";
import { type Series, toSeries } from "./series.ts";
import type { ProfileOverview } from "./snapshot.ts";

export function renderProfile({ status, reasons, workers, history }: ProfileOverview, at: Date, role: Role): Html {
  const { profile: name } = status;
  return html`<section id="profile-${name}" aria-labelledby="title-${name}">
<h2 id="title-${name}">${name}</h2>
${renderBackfill(status, role)}
${renderBar(status)}
<dl class="facts">
${fact("Chunks", formatCount(status.chunks))}
${fact("Embedded", formatCount(status.embedded), "embedded")}
${fact("Pending", formatCount(status.pending), "pending")}
${fact("Changes", formatCount(status.changes))}
${fact("Quarantined", formatCount(status.quarantined), "quarantined")}
${fact("Chunks/s", formatRate(status.rate.chunksPerSecond))}
${fact("Tokens/s", formatRate(status.rate.tokensPerSecond))}
${fact("Time left", timeLeft(status))}
</dl>
${renderForecast(status, at)}
${renderChart(name, toSeries(history, at))}
<div class="columns">
${renderWorkers(name, workers)}
${renderReasons(name, reasons)}
</div>
${renderQueue(status)}
</section>`;
}

function fact(term: string, value: string, colour?: string): Html {
  return html`<div><dt${colour !== undefined && html` class="${colour}"`}>${term}</dt><dd>${value}</dd></div>`;
}

/** Drawn in SVG, whose widths are attributes: the content security policy does not allow style attributes. */
function renderBar({ profile, chunks, embedded, quarantined, coverage }: ProfileStatus): Html {
  const width = (count: number) => (chunks === 0 ? 0 : (100 * count) / chunks);
  const percent = formatPercent(coverage);
  const set = chunks === 0 ? 100 : width(embedded);
  return html`<div class="bar" id="bar-${profile}" role="progressbar" aria-labelledby="title-${profile}"
 aria-valuemin="0" aria-valuemax="100" aria-valuenow="${percent}" aria-valuetext="${percent} % embedded">
<svg viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
<rect class="embedded" width="${set}" height="1"/><rect class="quarantined" x="${set}" width="${width(quarantined)}" height="1"/>
</svg><strong>${percent} %</strong></div>`;
}

function renderChart(name: string, series: Series): Html {
  const [, chunks, tokens] = series;
  const peak = (rates: number[]) => formatRate(Math.max(0, ...rates));
  const summary = `Throughput of ${name} over the last hour: at most ${peak(chunks)} chunks/s and ${peak(tokens)} tokens/s.`;
  return html`<throughput-chart id="chart-${name}" role="img" aria-label="${summary}" data-series="${JSON.stringify(series)}"></throughput-chart>`;
}

function renderWorkers(name: string, workers: ProfileOverview["workers"]): Html {
  if (workers.length === 0) return html`<p>No worker is running.</p>`;
  return html`<table id="workers-${name}">
<caption>Workers</caption>
<thead><tr><th scope="col">Host</th><th scope="col">Device</th><th scope="col" class="number">Chunks/s</th><th scope="col" class="number">Tokens/s</th></tr></thead>
<tbody>${workers.map(
    ({ id, host, pid, device, chunksPerSecond, tokensPerSecond }) =>
      html`<tr id="worker-${id}"><th scope="row">${host} <small>${pid}</small></th><td>${device}</td><td class="number">${formatRate(chunksPerSecond)}</td><td class="number">${formatRate(tokensPerSecond)}</td></tr>`,
  )}</tbody>
</table>`;
}

function renderReasons(name: string, reasons: ProfileOverview["reasons"]): Html | false {
  if (reasons.length === 0) return false;
  const link = (reason: string) => `quarantine/${encodeURIComponent(name)}?reason=${encodeURIComponent(reason)}`;
  return html`<table id="reasons-${name}">
<caption>Quarantine</caption>
<thead><tr><th scope="col">Reason</th><th scope="col" class="number">Chunks</th></tr></thead>
<tbody>${reasons.map(
    ({ reason, chunks }) =>
      html`<tr><th scope="row"><a href="${link(reason)}">${reason}</a></th><td class="number">${formatCount(chunks)}</td></tr>`,
  )}</tbody>
</table>`;
}

function renderQueue({ profile, queue, queueLimits }: ProfileStatus): Html {
  const { waiting, active, delayed, failed } = queue;
  const path = `board/queue/${encodeURIComponent(`embed-${profile}`)}`;
  return html`${queueLimits !== null && html`<p class="warning">${queueLimits}</p>`}
<p>Batches: ${waiting} waiting, ${active} active, ${delayed} delayed, <span${failed > 0 && html` class="failed"`}>${failed} failed</span>. <a href="${path}">Jobs of ${profile}</a></p>`;
}

function timeLeft({ pending, etaSeconds }: ProfileStatus): string {
  if (pending === 0) return "none";
  return etaSeconds === null ? "unknown" : formatDuration(etaSeconds);
}
