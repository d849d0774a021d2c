import type { Config } from "@reembed/config";
import { formatCount, ReembedError } from "@reembed/core";
import { type HandOverReport, handOver, undoHandOver } from "@reembed/migration/hand-over";
import type { Services } from "../hosting/services.ts";
import { printResult } from "../output/print.ts";
import { progressLine } from "../output/progress-line.ts";

interface HandOverChoice {
  keepDays: number;
  undo?: boolean | undefined;
  json?: boolean | undefined;
  confirm: (question: string) => Promise<boolean>;
}

/** `reembed finalize --hand-over`, with or without `--undo`. */
export async function handOverOrUndo(
  config: Config,
  { database, dryRun }: Services,
  { undo, keepDays, confirm, json }: HandOverChoice,
): Promise<void> {
  if (dryRun) {
    const message = "A hand-over depends at each step on what the step before has written: it cannot be tried.";
    throw new ReembedError("dry_run_impossible", message, {
      exitCode: 2,
      remedy: "Without --yes it says what it will do, and asks.",
    });
  }
  const unchanged = () => void process.stderr.write("Nothing was changed.\n");
  if (undo) {
    const undone = await undoHandOver(database, confirm);
    if (undone === undefined) return unchanged();
    return printResult(
      undone,
      json,
      `${undone.table} has its old vectors again; ${formatCount(undone.withoutVector)} rows have none.`,
    );
  }
  using progress = progressLine();
  const report = await handOver(database, {
    ...{ keepDays, maxMissingShare: config.maxQuarantinedShare, confirm },
    onStep: (step) => progress.step(step),
    onProgress: (written) =>
      progress.show({ phase: `${formatCount(written)} rows written`, share: null, seconds: null }),
  });
  if (report === undefined) return unchanged();
  printResult(report, json, describeHandOver(report));
}

function describeHandOver({ table, column, oldColumn, profile, written, missing, lockedMs, warnings }: HandOverReport) {
  return [
    `${table}.${column} has the vectors of ${profile} now; the old ones are in ${oldColumn}. Set the application to the new model.`,
    `rows       ${formatCount(written)} written, ${formatCount(missing)} without a vector`,
    `exchange   ${lockedMs === null ? "made before" : `statements waited ${formatCount(lockedMs)} ms`}`,
    ...warnings.map((text) => `warning    ${text}`),
    "`reembed finalize --hand-over --undo` takes it back until `reembed uninstall`.",
  ].join("\n");
}
