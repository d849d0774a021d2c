import { formatMoment, isAtLeast, type Role } from "@reembed/core";
import { type Html, html } from "@reembed/http/html";
import type { Setting } from "@reembed/migration/settings";

/** The bounds that change while processes run, each with a link to set it. */
export function renderBounds(settings: readonly Setting[], role: Role): Html {
  const maySet = isAtLeast(role, "operator");
  return html`<h1>Bounds</h1>
<p>Each process begins with its environment's bounds. Those that are set here or with <code>reembed set</code> hold for all processes, within seconds.</p>
<div class="scroll" role="region" tabindex="0" aria-label="Bounds"><table>
<thead><tr><th scope="col">Bound</th><th scope="col" class="number">Value</th><th scope="col">Range</th><th scope="col">From</th>${maySet && html`<th scope="col">Set</th>`}</tr></thead>
<tbody>${settings.map(
    ({ name, value, range, origin, set }) =>
      html`<tr><th scope="row">${name}</th><td class="number">${value ?? "by the device"}</td><td>${range}</td><td>${
        set === null ? origin : html`${set.changedBy}, ${formatMoment(set.changedAt)}: ${set.reason}`
      }</td>${maySet && html`<td><a href="steer/bounds/${name}" aria-label="Set ${name}">Set</a></td>`}</tr>`,
  )}</tbody>
</table></div>`;
}
