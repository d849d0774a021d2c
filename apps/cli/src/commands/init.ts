import { activeProfiles, loadConfig } from "@reembed/config";
import { createLogger } from "@reembed/runtime";
import type { Command } from "commander";
import { initialize, openServers } from "../hosting/services.ts";
import { printResult, printUnchanged } from "../output/print.ts";

export function registerInit(program: Command): void {
  program
    .command("init")
    .description("create or update the tables, and register the baseline and the candidate profile")
    .option("--dry-run", "print the SQL and change nothing")
    .option("--json", "print one JSON object")
    .action(async ({ json, dryRun }: { json?: boolean; dryRun?: boolean }) => {
      const settings = loadConfig(process.env);
      await using servers = await openServers(settings, createLogger(settings.logLevel), { dryRun });
      const config = await initialize(settings, servers);
      const profiles = activeProfiles(config).map((profile) => profile.name);
      if (dryRun) return printUnchanged();
      printResult({ profiles }, json, `The database is ready for ${profiles.join(" and ")}.`);
    });
}
