import { loadConfig } from "@reembed/config";
import { formatCount } from "@reembed/core";
import { releaseTable } from "@reembed/migration/release";
import { createLogger } from "@reembed/runtime";
import type { Command } from "commander";
import { openServices } from "../hosting/services.ts";
import { askPerson } from "../output/ask-person.ts";
import { printResult, printUnchanged } from "../output/print.ts";

interface ReleaseFlags {
  yes?: boolean;
  dryRun?: boolean;
  json?: boolean;
}

export function registerRelease(program: Command): void {
  program
    .command("release <table>")
    .description("let go of an adopted table: remove every trigger and function of Reembed for it")
    .option("--yes", "do not ask for confirmation")
    .option("--dry-run", "print the SQL that would be run, and change nothing")
    .option("--json", "print one JSON object")
    .action(async (table: string, { yes, dryRun, json }: ReleaseFlags) => {
      const config = loadConfig(process.env);
      await using services = await openServices(config, createLogger(config.logLevel), { dryRun });
      const confirm = yes || dryRun ? async () => true : askPerson;
      const released = await releaseTable({ database: services.database, table, confirm });
      if (dryRun) return printUnchanged();
      if (released === undefined) return void process.stderr.write("Nothing was removed.\n");
      const count = formatCount(released.removed.length);
      printResult(released, json, `${released.table} is released: ${count} triggers and functions are removed.`);
    });
}
