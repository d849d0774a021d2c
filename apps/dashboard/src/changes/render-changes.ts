import { formatMoment } from "@reembed/core";
import { type Html, html } from "@reembed/http/html";
import type { AuditEntry } from "@reembed/migration/audit";

export function renderChanges(entries: readonly AuditEntry[], most: number): Html {
  return html`<h1>Changes</h1>
<p>What people, scripts and guardrails have changed, on these pages and by commands, the last first.${
    entries.length === most && html` <code>reembed audit --limit 1000</code> lists older ones.`
  }</p>
${entries.length === 0 ? html`<p>Nothing has been changed yet.</p>` : renderTable(entries)}`;
}

function renderTable(entries: readonly AuditEntry[]): Html {
  return html`<div class="scroll" role="region" tabindex="0" aria-label="All changes"><table id="changes">
<caption class="hidden">All changes</caption>
<thead><tr><th scope="col">When</th><th scope="col">Who</th><th scope="col">As</th><th scope="col">What</th><th scope="col">From</th><th scope="col">To</th><th scope="col">Why</th></tr></thead>
<tbody>${entries.map(
    ({ at, by, as, what, from, to, why }) =>
      html`<tr><td>${formatMoment(at)}</td><td>${by}</td><td>${as ?? "–"}</td><td>${what}</td><td>${from ?? "environment"}</td><td>${to ?? "environment"}</td><td>${why}</td></tr>\n`,
  )}</tbody>
</table></div>`;
}
