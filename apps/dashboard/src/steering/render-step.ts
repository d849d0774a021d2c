import { type Html, html } from "@reembed/http/html";
import type { Identity } from "../access/identity.ts";
import type { Step } from "./step.ts";

/** The page that shows what a step will do, and asks once. */
export function renderStep(
  { title, effects, objections, seen, fields }: Step,
  { path, identity: { name, proven } }: { path: string; identity: Identity },
): Html {
  return html`<h1>${title}</h1>
<section aria-label="What will be done">
${seen !== "" && html`<p>Now: ${seen}.</p>`}
${effects.map((effect) => html`<p>${effect}</p>`)}
</section>
${
  objections.length > 0 &&
  html`<div class="warning"><p>It will be refused, because:</p><ul>${objections.map((says) => html`<li>${says}</li>`)}</ul></div>`
}
<form class="step" method="post" action="${path.replace(/^\//, "")}">
<input type="hidden" name="seen" value="${seen}">
${fields}
${
  proven
    ? html`<p>Written down with your name, ${name}.</p>`
    : html`<label for="by">Your name, written down with the change</label>
<input id="by" name="by" autocomplete="name" required maxlength="100" value="${name}">`
}
<label for="reason">Why, written down too</label>
<input id="reason" name="reason" required maxlength="1000">
<p><button>${title}</button> <a href="./">Cancel</a></p>
</form>`;
}
