import { loadConfig } from "@reembed/config";
import { ReembedError } from "@reembed/core";
import { finalize } from "@reembed/migration/finalize";
import { createLogger } from "@reembed/runtime";
import type { Command } from "commander";
import { openServices } from "../hosting/services.ts";
import { operatorName, person, wholeNumberFrom } from "../options.ts";
import { askPerson } from "../output/ask-person.ts";
import { printResult, printUnchanged } from "../output/print.ts";
import { handOverOrUndo } from "./hand-over.ts";

interface FinalizeFlags {
  keepDays: number;
  by: string;
  handOver?: boolean;
  undo?: boolean;
  yes?: boolean;
  dryRun?: boolean;
  json?: boolean;
}

export function registerFinalize(program: Command): void {
  program
    .command("finalize")
    .description("retire the baseline and remove its vectors; afterwards there is no way back")
    .option("--keep-days <days>", "days for which the candidate must have answered everybody", wholeNumberFrom(0), 7)
    .option(
      "--hand-over",
      "instead, write the candidate's vectors into the application's own table and exchange them for the old ones, which are kept",
    )
    .option("--undo", "with --hand-over: give the table its old vectors back")
    .option("--by <name>", "name of the person who decides", person, operatorName())
    .option("--yes", "do not ask for confirmation")
    .option("--dry-run", "print the SQL that would be run, and change nothing")
    .option("--json", "print one JSON object")
    .action(async ({ yes, dryRun, json, ...options }: FinalizeFlags) => {
      const settings = loadConfig(process.env);
      refuseUndoAlone(options);
      await using services = await openServices(settings, createLogger(settings.logLevel), { dryRun });
      const confirm = yes || dryRun ? async () => true : askPerson;
      if (options.handOver) return await handOverOrUndo(services.config, services, { ...options, confirm, json });
      const finalized = await finalize(services, { ...options, confirm });
      if (dryRun) return printUnchanged();
      if (finalized === undefined) return void process.stderr.write("Nothing was removed.\n");
      const { baseline, candidate } = finalized;
      const text = `${baseline} is retired and its vectors are removed: ${candidate} answers everybody from now on.`;
      printResult({ retired: baseline, serving: candidate }, json, text);
    });
}

function refuseUndoAlone({ undo, handOver: isHandOver }: Pick<FinalizeFlags, "undo" | "handOver">): void {
  if (!undo || isHandOver) return;
  throw new ReembedError("undo_alone", "--undo takes back what --hand-over did, and needs it.", { exitCode: 2 });
}
