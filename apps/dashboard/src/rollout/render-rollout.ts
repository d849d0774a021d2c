import { formatCount, formatDuration, type RolloutStage } from "@reembed/core";
import { type Html, html } from "@reembed/http/html";
import { type RolloutOverview, windowMinutes } from "@reembed/migration/rollout";
import type { Evaluation } from "@reembed/store/evaluation";
import type { RolloutEvent } from "@reembed/store/rollout";
import { z } from "zod";
import { renderGuardrails } from "./render-guardrails.ts";

export function renderRollout(overview: RolloutOverview, at: Date): Html {
  const { changes, breach, evaluation, windows, guardrails } = overview;
  return html`<section id="rollout" aria-labelledby="rollout-title">
<h2 id="rollout-title">Rollout</h2>
<p id="rollout-share">${describeShare(overview)}</p>
${breach && html`<p class="warning" id="rollout-breach">${describeBreach(breach, at)}</p>`}
${renderWindows(windows)}
${renderGuardrails(guardrails)}
<p id="rollout-evaluation">${evaluation === undefined ? "Not evaluated yet." : describeEvaluation(evaluation, at)}</p>
${changes.length > 0 && renderChanges(changes, at)}
</section>`;
}

function describeShare({ rollout, baselineRetired }: RolloutOverview): string {
  const { baseline, candidate, stage, percent, shadowPercent } = rollout;
  if (baseline === candidate) return `${baseline} answers everybody, because there is no other profile.`;
  const of: Record<typeof stage, string> = {
    baseline: `${baseline} answers everybody.`,
    shadow: `${baseline} answers everybody.`,
    canary: `${candidate} answers ${percent} % of subjects, ${baseline} the others.`,
    full: `${candidate} answers everybody${baselineRetired ? `, and ${baseline} is retired` : ""}.`,
    "rolled back": `Rolled back: ${baseline} answers everybody.`,
  };
  return `${of[stage]}${shadowPercent > 0 ? ` ${candidate} answers ${shadowPercent} % of its requests too, unseen.` : ""}`;
}

function describeBreach({ changedAt, fromStage, fromPercent, toStage, reason }: RolloutEvent, at: Date): string {
  const done = fromStage === toStage ? "A guardrail warned" : `A guardrail rolled back from ${fromPercent} %`;
  return `${done} ${ago(changedAt, at)}: ${reason}`;
}

function renderWindows(windows: RolloutOverview["windows"]): Html {
  return html`<div class="scroll" role="region" tabindex="0" aria-label="The profiles' last searches"><table id="rollout-windows">
<caption>The last ${windowMinutes} minutes</caption>
<thead><tr><th scope="col">Profile</th><th scope="col" class="number">Searches</th><th scope="col" class="number">p95</th><th scope="col" class="number">Failed</th><th scope="col" class="number">Empty</th><th scope="col" class="number">Unhelpful</th></tr></thead>
<tbody>${windows.map(
    ({ profile, window: { searches, latency, errors, empty, negative, judged } }) =>
      html`<tr><th scope="row">${profile}</th><td class="number">${formatCount(searches)}</td><td class="number">${latency === null ? "–" : `${formatCount(latency.p95)} ms`}</td><td class="number">${share(errors, searches)}</td><td class="number">${share(empty, searches - errors)}</td><td class="number">${share(negative, judged)}</td></tr>`,
  )}</tbody>
</table></div>`;
}

function renderChanges(changes: readonly RolloutEvent[], at: Date): Html {
  return html`<div class="scroll" role="region" tabindex="0" aria-label="Changes of the rollout"><table id="rollout-changes">
<caption>Last changes</caption>
<thead><tr><th scope="col">When</th><th scope="col">Who</th><th scope="col">From</th><th scope="col">To</th><th scope="col">Why</th></tr></thead>
<tbody>${changes.map(
    ({ changedAt, changedBy, fromStage, fromPercent, toStage, toPercent, reason, overruled }) =>
      html`<tr><td>${ago(changedAt, at)}</td><td>${changedBy}</td><td>${describePlace(fromStage, fromPercent)}</td><td>${describePlace(toStage, toPercent)}</td><td>${[reason, ...Object.entries(overruled).map(([proof, why]) => `${proof} overruled: ${why}`)].join("; ")}</td></tr>`,
  )}</tbody>
</table></div>`;
}

/** Only for a canary the share does not follow from the stage. */
function describePlace(stage: RolloutStage, percent: number): string {
  return stage === "canary" ? `${stage}, ${percent} %` : stage;
}

const Interval = z.object({ mean: z.number(), low: z.number(), high: z.number() });
/** The part of a stored report of `reembed evaluate` that is shown; other versions may have stored something else. */
const Quality = z.object({
  quality: z.object({
    k: z.number(),
    baseline: z.object({ ndcg: Interval }),
    candidate: z.object({ ndcg: Interval }),
    difference: z.object({ ndcg: Interval }),
  }),
});

function describeEvaluation({ verdict, report, evaluatedAt }: Evaluation, at: Date): string {
  const parsed = Quality.safeParse(report);
  const figures = parsed.success ? `, ${describeQuality(parsed.data)}` : "";
  return `Evaluated ${ago(evaluatedAt, at)}: ${verdict}${figures}.`;
}

function describeQuality({ quality: { k, baseline, candidate, difference } }: z.infer<typeof Quality>): string {
  const [from, to] = [baseline.ndcg.mean, candidate.ndcg.mean].map((mean) => mean.toFixed(3));
  const { low, high } = difference.ndcg;
  return `nDCG@${k} from ${from} to ${to}, a difference between ${low.toFixed(3)} and ${high.toFixed(3)}`;
}

function ago(moment: Date, at: Date): string {
  return `${formatDuration(Math.max(0, (at.getTime() - moment.getTime()) / 1_000))} ago`;
}

function share(count: number, total: number): string {
  return total === 0 ? "–" : `${((100 * count) / total).toFixed(1)} %`;
}
