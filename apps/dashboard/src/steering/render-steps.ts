import { type Html, html } from "@reembed/http/html";
import type { Stages } from "@reembed/migration/status";
import { shadowShare, shares } from "./rollout-step.ts";

/** Links that look like buttons: each leads to the page that shows what will be done, and asks. */
export function renderSteps(stages: Stages): Html {
  const steps = [...nextSteps(stages), ...waysBack(stages)];
  return html`<p id="steps" class="steps">${steps.map(
    ([path, text], index) => html`<a class="button${index > 0 && " quiet"}" href="steer/${path}">${text}</a> `,
  )}</p>`;
}

type Link = [path: string, text: string];

/** What a page can do for the next stage; to judge needs a command. */
function nextSteps({ candidate, percent, next, stages }: Stages): Link[] {
  const backfill = (action: string, text: string): Link => [
    `backfill/${encodeURIComponent(candidate)}/${action}`,
    `${text} the backfill of ${candidate}`,
  ];
  const begun = stages.some(({ name, state }) => name === "embedding" && state !== "ahead");
  const embedding: Link[] =
    next.stage === "embedding"
      ? [next.command?.includes("resume") ? backfill("resume", "Resume") : backfill("start", "Start")]
      : next.stage === "indexed" && begun
        ? [backfill("start", "Change")]
        : [];
  const index: Link[] =
    next.command === "reembed index build"
      ? [[`index/${encodeURIComponent(candidate)}`, `Build the index of ${candidate}`]]
      : [];
  const verification: Link[] =
    next.command === "reembed verify" ? [[`verification/${encodeURIComponent(candidate)}`, `Verify ${candidate}`]] : [];
  const wanted = shares.find((share) => share > percent);
  const share: Link[] =
    (next.stage === "canary" || next.stage === "full") && wanted !== undefined
      ? [[`rollout/${wanted}`, `${wanted} % of subjects`]]
      : [];
  const shadow: Link[] =
    next.stage === "shadow" || next.stage === "judged" ? [["rollout/shadow", `Shadow ${shadowShare} %`]] : [];
  return [...embedding, ...index, ...verification, ...shadow, ...share];
}

function waysBack({ percent, stage }: Stages): Link[] {
  return percent > 0 || stage === "shadow" ? [["rollout/rollback", "Roll back"]] : [];
}
