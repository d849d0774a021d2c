import { formatBytes, formatCount, formatShare } from "@reembed/core";
import { renderStageList } from "@reembed/dashboard";
import { type Html, html } from "@reembed/http/html";
import type { MigrationReport, ReportedProfile } from "@reembed/migration/report";
import { describeSpending, describeStages } from "@reembed/migration/status";
import { describeVerdict } from "@reembed/migration/verify";
import { describeWrongClock } from "@reembed/store/diagnosis";
import { guardrailName } from "@reembed/store/rollout";
import { describeComparison, describeIndex } from "../output/describe-verification.ts";
import { type CourseMark, renderCourse } from "./course-picture.ts";
import type { Document } from "./document.ts";
import { command, facts, foreign, list, moment, section, table } from "./parts.ts";
import { renderQuality } from "./quality-section.ts";

/** What a migration has done so far or, when it is finalized, in all. */
export function reportDocument(report: MigrationReport): Document {
  const { database, migration } = report;
  return {
    title: `Migration report for ${database.name}`,
    about: html`<p>${migration === null ? "No migration to another profile has begun." : describeStages(migration, new Date(report.at)).is} PostgreSQL ${database.postgres}${database.pgvector !== null && ` with pgvector ${database.pgvector}`}; the database takes ${formatBytes(database.bytes)}.</p>
`,
    sections: [migration !== null && renderStage(report, migration), ...renderDone(report)],
    footer: html`<p>Made by <code>reembed report</code>, version ${report.version}, at ${moment(report.at)}.</p>
`,
  };
}

/** What was done, with its proofs, whatever comes next. */
export function renderDone(report: MigrationReport): Html[] {
  return [
    renderEvents(report),
    section("proofs", "Proofs", report.profiles.map(renderProofs)),
    renderQuality(report.evaluation),
    renderIncidents(report),
    renderModels(report),
    renderSettings(report),
  ];
}

function renderStage({ at }: MigrationReport, migration: NonNullable<MigrationReport["migration"]>): Html {
  return section("stage", "Stage", [
    renderStageList(migration),
    list(describeStages(migration, new Date(at)).next.map(foreign)),
    migration.next.command !== null && command(`npx ${migration.next.command}`),
  ]);
}

interface Event extends CourseMark {
  says: Html;
}

/** The rollout's changes with the last proofs, in the order of time. */
function eventsOf({ events, profiles, evaluation }: MigrationReport): Event[] {
  const changes = events.map(({ changedAt, changedBy, toStage, toPercent, reason, overruled }) => {
    const proofs = Object.entries(overruled).map(([proof, why]) => `; ${proof} overruled: ${why}`);
    return {
      at: new Date(changedAt),
      bad: changedBy === guardrailName || toStage === "rolled back",
      says: html`${toStage}${toStage === "canary" && `, ${toPercent} %`}, by ${foreign(changedBy)}: ${foreign(`${reason}${proofs.join("")}`)}`,
    };
  });
  const proofs = profiles.flatMap(({ status, verification }) =>
    verification === null
      ? []
      : [
          {
            at: new Date(verification.at),
            bad: !verification.report.passed,
            says: html`${status.profile} ${verification.report.passed ? "was verified" : "was not proven"}`,
          },
        ],
  );
  const judged =
    evaluation === null
      ? []
      : [
          {
            at: new Date(evaluation.at),
            bad: evaluation.report.verdict === "worse",
            says: html`evaluated: ${evaluation.report.verdict}`,
          },
        ];
  return [...changes, ...proofs, ...judged].sort((a, b) => Number(a.at) - Number(b.at));
}

function renderEvents(report: MigrationReport): Html {
  const events = eventsOf(report);
  const work = report.profiles.map(({ status }) => [
    status.profile,
    formatCount(status.chunks),
    formatCount(status.embedded),
    formatCount(status.pending),
    formatCount(status.quarantined),
    formatShare(status.coverage),
  ]);
  return section("course", "Course", [
    renderCourse(report, events),
    events.length > 0 &&
      html`<ol>${events.map(({ at, bad, says }) => html`<li${bad && html` class="bad"`}>${moment(at)}: ${says}</li>\n`)}</ol>`,
    work.length > 0 &&
      table({
        caption: "Profiles",
        head: ["Profile", "#Chunks", "#Embedded", "#Pending", "#Quarantined", "#Coverage"],
        rows: work,
      }),
    list(
      report.profiles.flatMap(({ status }) => {
        const spent = describeSpending(status);
        return spent === null ? [] : [`${status.profile}: ${spent}.`];
      }),
    ),
  ]);
}

function renderProofs({ status, verification }: ReportedProfile): Html {
  if (verification === null) {
    return html`<h3>${status.profile}</h3>
<p class="warn">Never verified: <code>npx reembed verify --profile ${status.profile}</code></p>`;
  }
  const { at, report } = verification;
  return html`<h3>${status.profile}</h3>
<p class="${report.passed ? "good" : "bad"}">${describeVerdict(report)}</p>
${facts([
  { term: "Chunks", value: formatCount(report.chunks), note: `verified at ${moment(at)} by version ${report.version}` },
  {
    term: "With the vector of their present text",
    value: formatCount(report.current),
    note: formatShare(report.coverage),
  },
  {
    term: "In quarantine",
    value: formatCount(report.quarantined),
    note: `${formatShare(report.maxQuarantinedShare)} are allowed`,
  },
])}
${list([describeComparison(report), ...describeIndex(report)])}`;
}

function renderIncidents({ events, profiles }: MigrationReport): Html {
  const breaches = events.filter(({ changedBy }) => changedBy === guardrailName);
  const reasons = profiles.flatMap(({ status, quarantine }) =>
    quarantine.map(({ reason, chunks }) => [html`${status.profile}`, foreign(reason), formatCount(chunks)]),
  );
  const clocks = profiles[0]?.status.wrongClocks ?? [];
  const failed = profiles.filter(({ status }) => status.queue.failed > 0);
  const told = [
    ...breaches.map(
      ({ changedAt, reason }) => html`<span class="bad">Guardrail</span>, ${moment(changedAt)}: ${foreign(reason)}`,
    ),
    ...failed.map(({ status }) => html`${formatCount(status.queue.failed)} batches of ${status.profile} have failed.`),
    ...clocks.map((clock) => html`${foreign(describeWrongClock(clock))}`),
  ];
  return section("incidents", "Incidents", [
    told.length + reasons.length === 0 && html`<p>None: no guardrail was breached, and nothing is in quarantine.</p>`,
    list(told),
    reasons.length > 0 && table({ caption: "Quarantine", head: ["Profile", "Reason", "#Chunks"], rows: reasons }),
  ]);
}

function renderModels({ profiles }: MigrationReport): Html {
  return section(
    "models",
    "Models",
    profiles.map(({ status, model }) => {
      const { id, revision, dimensions, chunking, limit, threshold, files } = model;
      return html`<h3>${status.profile}</h3>
<p>${foreign(id)}, revision <code>${revision}</code>, ${formatCount(dimensions)} dimensions, chunks of ${chunking}; at most ${limit} results with a cosine of ${threshold} or more.</p>
${
  files.length === 0
    ? html`<p>Its files are not on this host.</p>`
    : table({
        caption: `SHA-256 of the files of ${id}`,
        head: ["File", "SHA-256"],
        rows: files.map(({ path, sha256 }) => [path, html`<code>${sha256}</code>`]),
      })
}`;
    }),
  );
}

function renderSettings({ settings }: MigrationReport): Html {
  return section("settings", "Settings", [
    table({
      caption: "Of the process that made this report",
      head: ["Setting", "Value"],
      rows: Object.entries(settings),
    }),
  ]);
}
