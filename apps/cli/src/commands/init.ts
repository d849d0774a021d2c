import { activeProfiles, loadConfig } from "@reembed/config";
import { createLogger } from "@reembed/runtime";
import type { Command } from "commander";
import { printResult } from "../output.ts";
import { initialize, openServers } from "../services.ts";

export function registerInit(program: Command): void {
  program
    .command("init")
    .description("create or update the tables, and register the baseline and the candidate profile")
    .option("--json", "print one JSON object")
    .action(async ({ json }: { json?: boolean }) => {
      const config = loadConfig(process.env);
      await using services = await openServers(config, createLogger(config.logLevel));
      await initialize(config, services);
      const profiles = activeProfiles(config).map((profile) => profile.name);
      printResult({ profiles }, json, `The database is ready for ${profiles.join(" and ")}.`);
    });
}
