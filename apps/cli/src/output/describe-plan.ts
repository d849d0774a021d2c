import { formatAmount, formatBytes, formatCount, formatDuration, formatTable } from "@reembed/core";
import type { MigrationPlan } from "@reembed/migration/plan";
import { chosenEstimate } from "../documents/plan-document.ts";
import { describeInterval } from "./describe-interval.ts";

/** The plan in some lines; the document and `--json` have everything. */
export function describePlan(plan: MigrationPlan, path: string): string {
  const { baseline, candidate, tables, chosen, database } = plan;
  const first = `${database.name}: from ${baseline.model} to ${candidate.model}. Nothing was written there.`;
  const found = `${formatCount(tables.length)} ${tables.length === 1 ? "column" : "columns"} of vectors found.`;
  return [
    first,
    chosen === null
      ? found
      : `${found} The plan is for ${chosen.table}${chosen.collection === null ? "" : `, collection ${chosen.collection}`}:`,
    ...describeCost(plan),
    describeRisks(plan),
    `The whole plan is in ${path}.`,
  ].join("\n\n");
}

function describeCost(plan: MigrationPlan): string[] {
  const estimate = chosenEstimate(plan);
  if (estimate === null) return [];
  const row = (
    name: string,
    estimated: { total: number; low: number; high: number },
    format: (n: number) => string,
  ) => {
    const { value, interval } = describeInterval(estimated, format);
    return [name, value, interval];
  };
  const { tokens, chunks, vectorBytes, indexBytes, indexBuildBytes, unknown } = estimate;
  return [
    formatTable(
      [
        row("chunks", chunks, formatCount),
        tokens === null ? ["tokens", "not known", unknown ?? ""] : row("tokens", tokens, formatCount),
        plan.seconds === null
          ? ["time", "not known", plan.speed.unknown ?? ""]
          : row("time", plan.seconds, formatDuration),
        ...(plan.cost === null ? [] : [row("cost", plan.cost, formatAmount)]),
        row("vectors", vectorBytes, formatBytes),
        row("ANN index", indexBytes, formatBytes),
        row("its build", indexBuildBytes, formatBytes),
      ],
      3,
    ),
  ];
}

function describeRisks({ findings, tables }: MigrationPlan): string {
  const risks = findings.filter(({ verdict }) => verdict !== "ok");
  const inTheWay = tables.reduce((sum, { obstacles }) => sum + obstacles.length, 0);
  const lines = risks.map(({ verdict, check, says, remedy }) =>
    `${verdict}: ${check}: ${says}. ${remedy ?? ""}`.trim(),
  );
  const obstacles = inTheWay === 0 ? [] : [`${formatCount(inTheWay)} things are in the way of tables: see the plan.`];
  return [...lines, ...obstacles].join("\n") || "No risk was found.";
}
