import { formatGuardFigure, type GuardFigure } from "@reembed/core";
import { type Html, html } from "@reembed/http/html";

const names: Record<GuardFigure["measure"], string> = {
  errors: "Failed, more than the baseline",
  empty: "Empty, more than the baseline",
  negative: "Unhelpful, more than the baseline",
  latency: "p95",
};

/** What each guardrail measures, and how far that is from what it allows. */
export function renderGuardrails(figures: readonly GuardFigure[]): Html | false {
  if (figures.length === 0) return false;
  return html`<div class="scroll" role="region" tabindex="0" aria-label="Guardrails"><table id="rollout-guardrails">
<caption>Guardrails: the candidate is rolled back if all of its interval is above what is allowed</caption>
<thead><tr><th scope="col">Measure</th><th scope="col" class="number">Measured</th><th scope="col" class="number">Interval</th><th scope="col" class="number">Allowed</th><th scope="col">Picture</th></tr></thead>
<tbody>${figures.map((figure) => {
    const { measure, value, low, high, allowed } = figure;
    const written = (number: number) => formatGuardFigure(measure, number);
    return html`<tr><th scope="row">${names[measure]}</th><td class="number">${written(value)}</td><td class="number">${written(low)} to ${written(high)}</td><td class="number">${written(allowed)}</td><td>${drawInterval(figure)}</td></tr>`;
  })}</tbody>
</table></div>`;
}

/** The interval as a bar with what was measured as a line in it, and what is allowed as a line across. */
function drawInterval({ value, low, high, allowed }: GuardFigure): Html {
  const least = Math.min(0, low);
  const most = Math.max(high, 1.25 * allowed);
  const place = (number: number) => Number(((100 * (number - least)) / (most - least)).toFixed(2));
  const line = (of: string, number: number) =>
    html`<line class="${of}" x1="${place(number)}" x2="${place(number)}" y1="0" y2="10"/>`;
  return html`<svg class="interval" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
<rect class="${low > allowed ? "quarantined" : "embedded"}" x="${place(low)}" y="2" width="${place(high) - place(low)}" height="6"/>
${line("measured", value)}${line("allowed", allowed)}
</svg>`;
}
