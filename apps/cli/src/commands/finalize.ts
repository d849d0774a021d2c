import { userInfo } from "node:os";
import { loadConfig } from "@reembed/config";
import { createLogger } from "@reembed/runtime";
import type { Command } from "commander";
import { wholeNumberFrom } from "../options.ts";
import { printResult, printUnchanged } from "../output.ts";
import { finalize } from "../rollout/finalize.ts";
import { openServices } from "../services.ts";

interface FinalizeFlags {
  keepDays: number;
  by: string;
  dryRun?: boolean;
  json?: boolean;
}

export function registerFinalize(program: Command): void {
  program
    .command("finalize")
    .description("retire the baseline and remove its vectors; from then on there is no way back")
    .option("--keep-days <days>", "days that the candidate must have served everybody", wholeNumberFrom(0), 7)
    .option("--by <name>", "who decides", userInfo().username)
    .option("--dry-run", "print the SQL that would be run, and change nothing")
    .option("--json", "print one JSON object")
    .action(async ({ dryRun, json, ...options }: FinalizeFlags) => {
      const config = loadConfig(process.env);
      await using services = await openServices(config, createLogger(config.logLevel), { dryRun });
      const { baseline, candidate } = await finalize(services, options);
      if (dryRun) return printUnchanged();
      const text = `${baseline} is retired and its vectors are removed: ${candidate} serves everybody for good.`;
      printResult({ retired: baseline, serving: candidate }, json, text);
    });
}
