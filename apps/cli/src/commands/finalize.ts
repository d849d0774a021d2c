import { createInterface } from "node:readline/promises";
import { loadConfig } from "@reembed/config";
import { ReembedError } from "@reembed/core";
import { finalize } from "@reembed/migration/finalize";
import { createLogger } from "@reembed/runtime";
import type { Command } from "commander";
import { openServices } from "../hosting/services.ts";
import { operatorName, wholeNumberFrom } from "../options.ts";
import { printResult, printUnchanged } from "../output/print.ts";

interface FinalizeFlags {
  keepDays: number;
  by: string;
  yes?: boolean;
  dryRun?: boolean;
  json?: boolean;
}

export function registerFinalize(program: Command): void {
  program
    .command("finalize")
    .description("retire the baseline and remove its vectors; afterwards there is no way back")
    .option("--keep-days <days>", "days for which the candidate must have answered everybody", wholeNumberFrom(0), 7)
    .option("--by <name>", "name of the person who decides", operatorName())
    .option("--yes", "do not ask for confirmation")
    .option("--dry-run", "print the SQL that would be run, and change nothing")
    .option("--json", "print one JSON object")
    .action(async ({ yes, dryRun, json, ...options }: FinalizeFlags) => {
      const config = loadConfig(process.env);
      await using services = await openServices(config, createLogger(config.logLevel), { dryRun });
      const confirm = yes || dryRun ? async () => true : askPerson;
      const finalized = await finalize(services, { ...options, confirm });
      if (dryRun) return printUnchanged();
      if (finalized === undefined) return void process.stderr.write("Nothing was removed.\n");
      const { baseline, candidate } = finalized;
      const text = `${baseline} is retired and its vectors are removed: ${candidate} answers everybody from now on.`;
      printResult({ retired: baseline, serving: candidate }, json, text);
    });
}

/** @throws ReembedError `not_confirmed` (exit code 3) if there is no terminal to ask on. */
async function askPerson(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw new ReembedError("not_confirmed", question, {
      exitCode: 3,
      remedy: "Give --yes to continue without confirmation.",
    });
  }
  using lines = createInterface({ input: process.stdin, output: process.stderr });
  return /^y(es)?$/i.test((await lines.question(`${question}\nContinue? [y/N] `)).trim());
}
