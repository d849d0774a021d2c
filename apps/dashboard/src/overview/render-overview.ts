import { defaultSchema, formatDuration, type Role } from "@reembed/core";
import { type Html, html } from "@reembed/http/html";
import { describeUndelivered } from "@reembed/migration/notices";
import { describeTask } from "@reembed/migration/tasks";
import { describeWrongClock } from "@reembed/store/diagnosis";
import type { Task } from "@reembed/store/operators";
import { renderRollout } from "../rollout/render-rollout.ts";
import { renderOperatorChanges } from "../steering/render-changes.ts";
import { describeReport, type ProducerActivity } from "./producer-activity.ts";
import { renderProfile } from "./render-profile.ts";
import { renderStages } from "./render-stages.ts";
import type { Snapshot } from "./snapshot.ts";

const shownTaskMs = 86_400_000;

/** The part of the overview that is rendered again with every snapshot. */
export function renderOverview(snapshot: Snapshot, role: Role): Html {
  const { schema, profiles, producer, rollout, stages, changes, task, at } = snapshot;
  return html`<h1>Overview</h1>
${schema !== defaultSchema && html`<p>This installation is in the schema <code>${schema}</code>.</p>`}
${profiles.length === 0 && html`<p>No profile is registered yet: run <code>reembed init</code>.</p>`}
${stages && renderStages(stages, at, role)}
${task && renderTask(task, at)}
${profiles.map((profile) => renderProfile(profile, at, role))}
${rollout && renderRollout(rollout, at)}
${renderProducer(producer, at)}
${renderOperatorChanges(changes)}
${profiles[0]?.status.wrongClocks.map((wrong) => html`<p class="warning">${describeWrongClock(wrong)} Synchronise it with a time server.</p>`)}
${profiles[0]?.status.undelivered && describeUndelivered(profiles[0].status.undelivered).map((says) => html`<p class="warning">${says}</p>`)}
<p id="news" class="hidden" role="status">${profiles.map(({ status }) => `${milestone(status)} `)}</p>`;
}

/** What has ended is shown for a day. */
function renderTask(task: Task, at: Date): Html | false {
  if (task.endedAt !== null && at.getTime() - task.endedAt.getTime() > shownTaskMs) return false;
  const bad = task.state === "lost" || task.state === "failed";
  return html`<p id="task" class="${bad ? "warning" : "notice"}">${describeTask(task)}</p>`;
}

/** What a screen reader announces: a step of ten percent, and not every change of a number. */
function milestone({ profile, coverage, pending, quarantined }: Snapshot["profiles"][number]["status"]): string {
  if (pending > 0) return `${profile} is ${10 * Math.floor(10 * coverage)} % embedded.`;
  return quarantined === 0 ? `${profile} is complete.` : `${profile} is complete except for its quarantine.`;
}

function renderProducer({ reports, lastTickAt, failure, overdue, limits }: ProducerActivity, at: Date): Html {
  const last = lastTickAt && Math.max(0, (at.getTime() - lastTickAt.getTime()) / 1_000);
  return html`<section id="producer" aria-labelledby="producer-title">
<h2 id="producer-title">Producer</h2>
${limits !== null && html`<p class="warning">${limits} No ticks are made.</p>`}
${overdue && limits === null && html`<p class="warning">Ticks are due, but nobody makes them: check that a producer is running.</p>`}
${failure !== undefined && html`<p class="warning">The last tick failed: ${failure}</p>`}
${
  last === undefined
    ? html`<p>No tick yet.${!overdue && " Start a producer."}</p>`
    : html`<p>Last tick ${formatDuration(last)} ago.</p>`
}
${
  reports.length > 0 &&
  html`<table>
<caption class="hidden">What the last tick did for each profile, and what limited it</caption>
<thead><tr><th scope="col">Profile</th><th scope="col">Last tick</th></tr></thead>
<tbody>${reports.map(
    (report) => html`<tr><th scope="row">${report.profile}</th><td>${describeReport(report)}</td></tr>`,
  )}</tbody>
</table>`
}
</section>`;
}
