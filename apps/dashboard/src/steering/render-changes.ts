import { formatMoment } from "@reembed/core";
import { type Html, html } from "@reembed/http/html";
import type { OperatorChange } from "@reembed/store/operators";

/** What people changed lately besides the rollout. */
export function renderOperatorChanges(changes: readonly OperatorChange[]): Html {
  return html`<section id="operators" aria-labelledby="operators-title">
<h2 id="operators-title">Operators</h2>
<p><a href="steer/bounds">Bounds that change while it runs</a>, <a href="changes">all changes</a></p>
${
  changes.length > 0 &&
  html`<div class="scroll" role="region" tabindex="0" aria-label="Changes by operators"><table id="operator-changes">
<caption>Last changes by operators</caption>
<thead><tr><th scope="col">When</th><th scope="col">Who</th><th scope="col">What</th><th scope="col">From</th><th scope="col">To</th><th scope="col">Why</th></tr></thead>
<tbody>${changes.map(
    ({ changedAt, changedBy, subject, fromValue, toValue, reason }) =>
      html`<tr><td>${formatMoment(changedAt)}</td><td>${changedBy}</td><td>${subject}</td><td>${fromValue ?? "environment"}</td><td>${toValue ?? "environment"}</td><td>${reason}</td></tr>`,
  )}</tbody>
</table></div>`
}
</section>`;
}
