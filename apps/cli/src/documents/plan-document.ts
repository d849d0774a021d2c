import { formatAmount, formatBytes, formatCount, formatDuration, formatShare } from "@reembed/core";
import { type Html, html } from "@reembed/http/html";
import type { AdoptionEstimate, MigrationPlan, PlannedAdoption, PlannedTable } from "@reembed/migration/plan";
import { describeRows, describeVectors } from "../output/describe-discovery.ts";
import { describeInterval } from "../output/describe-interval.ts";
import type { Document } from "./document.ts";
import { renderFindings } from "./findings.ts";
import { command, type Fact, facts, foreign, list, moment, section, table } from "./parts.ts";

/** What is in a database, what a migration of it would cost, and how it is carried out. */
export function planDocument(plan: MigrationPlan): Document {
  const { database, baseline, candidate, tables } = plan;
  return {
    title: `Migration plan for ${database.name}`,
    about: html`<p>From <strong>${baseline.model}</strong> (${formatCount(baseline.dimensions)} dimensions) to <strong>${candidate.model}</strong> (${formatCount(candidate.dimensions)} dimensions), on PostgreSQL ${database.postgres}${database.pgvector !== null && ` with pgvector ${database.pgvector}`}. Nothing was written to this database.</p>
`,
    sections: [
      renderCost(plan),
      renderFindings(plan.findings),
      section(
        "tables",
        `Tables with vectors: ${formatCount(new Set(tables.map((one) => one.table)).size)}`,
        tables.length === 0
          ? [html`<p>No table has a column of pgvector's types vector or halfvec.</p>`]
          : [renderOverview(tables), ...tables.map(renderTable)],
      ),
      plan.commands.length > 0 && renderCommands(plan),
      renderMethod(plan),
    ],
    footer: html`<p>Made by <code>reembed plan</code>, version ${plan.version}, at ${moment(plan.at)}.</p>
`,
  };
}

/** The estimate of the adoption that the plan is for. */
export function chosenEstimate({ tables, chosen }: MigrationPlan): AdoptionEstimate | null {
  const found = tables.find((one) => one.table === chosen?.table && one.adoptions.some(isChosen));
  function isChosen({ collection }: PlannedAdoption) {
    return collection === chosen?.collection;
  }
  return found?.adoptions.find(isChosen)?.estimate ?? null;
}

function renderCost(plan: MigrationPlan): Html {
  const { chosen, candidate } = plan;
  const estimate = chosenEstimate(plan);
  if (chosen === null || estimate === null) {
    return section("cost", "What it will cost", [html`<p>Not known: no table was sampled.</p>`]);
  }
  const name = chosen.collection === null ? chosen.table : `${chosen.table}, collection ${chosen.collection}`;
  return section("cost", "What it will cost", [
    html`<p>For <strong>${foreign(name)}</strong>, whose rows stay the chunks:</p>`,
    facts([
      interval("Chunks", estimate.chunks, formatCount),
      estimate.tokens === null
        ? { term: "Tokens", value: "not known", note: estimate.unknown ?? "" }
        : interval("Tokens", estimate.tokens, formatCount),
      timeFact(plan),
      plan.cost !== null && interval("Money for the embedding server", plan.cost, formatAmount),
      interval(`Vectors of ${candidate.profile} on disk`, estimate.vectorBytes, formatBytes),
      interval("ANN index on disk (HNSW)", estimate.indexBytes, formatBytes),
      interval("Memory for the build of the index", estimate.indexBuildBytes, formatBytes),
    ]),
    list(describeTexts(estimate, plan)),
  ]);
}

function timeFact({ seconds, speed, workers }: MigrationPlan): Fact {
  const term = workers === 1 ? "Time on one worker like this host" : `Time on ${formatCount(workers)} such workers`;
  if (seconds === null) return { term, value: "not known", note: speed.unknown === null ? "" : foreign(speed.unknown) };
  return interval(term, seconds, formatDuration);
}

function interval(
  term: string,
  estimated: { total: number; low: number; high: number },
  format: (n: number) => string,
) {
  const { value, interval: note } = describeInterval(estimated, format);
  return { term, value, note };
}

function describeTexts({ blank, truncated }: AdoptionEstimate, { candidate }: MigrationPlan): string[] {
  const range = ({ low, high }: { low: number; high: number }) =>
    low === high ? formatShare(low) : `${formatShare(low)} to ${formatShare(high)}`;
  return [
    `${range(blank)} of the texts have nothing to embed, and will be quarantined as empty_text.`,
    ...(truncated === null
      ? []
      : [
          `${range(truncated)} of the texts are longer than the ${formatCount(candidate.maxTokens)} tokens that ${candidate.model} reads; the rest of them is cut off.`,
        ]),
  ];
}

function renderOverview(tables: readonly PlannedTable[]): Html {
  const rows = tables.flatMap(({ table: name, obstacles, adoptions }) =>
    adoptions.map(({ collection, estimate }) => [
      foreign(collection === null ? name : `${name}, ${collection}`),
      estimate === null ? "?" : formatCount(estimate.chunks.total),
      estimate?.tokens == null ? "?" : formatCount(estimate.tokens.total),
      estimate === null ? "?" : formatBytes(estimate.vectorBytes.total),
      obstacles.length === 0 ? "nothing" : formatCount(obstacles.length),
    ]),
  );
  return table({
    caption: "What could be adopted",
    head: ["Table", "#Rows", "#Tokens", "#New vectors", "#In the way"],
    rows,
  });
}

function renderTable(found: PlannedTable): Html {
  const { table: name, framework, preset, source, obstacles, notes, adopted, bytes, adoptions } = found;
  const madeBy = framework === null ? "unknown, proposed from the columns" : `${framework} (--as ${preset})`;
  return html`<h3>${foreign(name)}</h3>
<p>Made by: ${madeBy}. Vectors: ${foreign(found.column)} ${describeVectors(found)}. Rows: ${describeRows(found)}; ${formatBytes(bytes)} with indexes.</p>
<p>Id ${foreign(source.id.join(", ") || "?")}, text ${foreign(source.content ?? "?")}, document ${foreign(source.document ?? "each row is one")}.</p>
${adopted && html`<p class="good">It is adopted already.</p>`}
${list([
  ...obstacles.map(
    ({ what, remedy }) => html`<strong class="bad">In the way</strong>: ${foreign(what)} ${foreign(remedy)}`,
  ),
  ...notes.map((note) => html`${foreign(note)}`),
])}
${adoptions.map(renderAdoption)}`;
}

function renderAdoption({ collection, command: adopt, estimate }: PlannedAdoption): Html {
  const size = estimate === null ? "" : describeSize(estimate);
  return html`${(collection !== null || size !== "") && html`<p>${collection !== null && html`Collection ${foreign(collection)}. `}${size}</p>`}
${adopt !== null && command(`npx ${adopt}`)}`;
}

function describeSize({ chunks, tokens, vectorBytes }: AdoptionEstimate): string {
  const rows = describeInterval(chunks, formatCount);
  const read = tokens === null ? "" : `, ${formatCount(tokens.total)} tokens`;
  return `${rows.value} rows (${rows.interval})${read}, ${formatBytes(vectorBytes.total)} of new vectors.`;
}

function renderCommands({ commands }: MigrationPlan): Html {
  return section("commands", "The commands in order", [
    html`<ol>${commands.map(({ command: text, does }) => html`<li>${does}${command(text)}</li>\n`)}</ol>`,
    html`<p>Until <code>rollout set</code> the old model answers everybody; <code>reembed rollback</code> goes back to it within a second.</p>`,
  ]);
}

function renderMethod(plan: MigrationPlan): Html {
  const estimate = chosenEstimate(plan);
  const { measured } = plan.speed;
  return section("method", "How this was estimated", [
    list([
      ...(estimate === null
        ? []
        : [
            `${formatCount(estimate.sample.blocks)} of ${formatCount(estimate.sample.ofBlocks)} blocks of the table were read, chosen at random, and the tokens of ${formatCount(estimate.sample.texts)} of their texts counted. The intervals are those of the sample.`,
          ]),
      ...(measured === null
        ? []
        : [
            `The model embedded ${formatCount(measured.texts)} of these texts on ${measured.device} of this host in ${measured.seconds.toFixed(1)} s after a warm-up: ${formatCount(measured.tokensPerSecond)} tokens/s. Work beside it makes it slower; the interval of the time is that of the tokens alone.`,
          ]),
      "Disk and memory are computed from figures per row that were measured with this table layout and pgvector's HNSW.",
      "A text that occurs twice is embedded once, which is not taken off.",
    ]),
  ]);
}
