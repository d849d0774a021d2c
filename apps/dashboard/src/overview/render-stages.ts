import { isAtLeast, type Role } from "@reembed/core";
import { type Html, html } from "@reembed/http/html";
import { describeStages, type Stage, type Stages } from "@reembed/migration/status";
import { renderSteps } from "../steering/render-steps.ts";

/** Where the migration is, since when, and what it takes to go on. */
export function renderStages(stages: Stages, at: Date, role: Role): Html {
  const { is, next } = describeStages(stages, at);
  const { command } = stages.next;
  return html`<section id="stages" aria-labelledby="stages-title">
<h2 id="stages-title">Migration</h2>
<p id="stage">${is}</p>
${renderStageList(stages)}
${next.length > 0 && html`<ul id="stage-next">${next.map((says) => html`<li>${says}</li>`)}</ul>`}
${command !== null && html`<p>Run <code id="stage-command">npx ${command}</code></p>`}
${isAtLeast(role, "operator") && renderSteps(stages)}
</section>`;
}

const marks: Record<Stage["state"], [mark: string, meaning: string]> = {
  done: ["✓", "done"],
  current: ["●", "now"],
  ahead: ["○", "ahead"],
  needless: ["–", "not needed"],
  missing: ["✗", "missing"],
};

/** The stages in their order, each with a mark and, for a screen reader, what the mark means. */
export function renderStageList({ stages }: Pick<Stages, "stages">): Html {
  return html`<ol class="stages">${stages.map(({ name, state, since }) => {
    const [mark, meaning] = marks[state];
    const title = since === null ? meaning : `${meaning}, since ${since.slice(0, 16).replace("T", " ")} UTC`;
    return html`<li class="${state}"${state === "current" && html` aria-current="step"`}><span aria-hidden="true">${mark}</span> ${name} <span class="hidden">${title}</span></li>\n`;
  })}</ol>`;
}
