import { loadConfig } from "@reembed/config";
import { ReembedError } from "@reembed/core";
import { chooseDevice } from "@reembed/embedder";
import { planMigration } from "@reembed/migration/plan";
import { createLogger } from "@reembed/runtime";
import type { Command } from "commander";
import { writeDocument } from "../documents/document.ts";
import { planDocument } from "../documents/plan-document.ts";
import { parseOneDevice } from "../hosting/devices.ts";
import { openDatabaseToRead, resolveConfig } from "../hosting/services.ts";
import { wholeNumberFrom } from "../options.ts";
import { describePlan } from "../output/describe-plan.ts";
import { printResult } from "../output/print.ts";

interface PlanFlags {
  output?: string;
  workers: number;
  device: string;
  seconds: number;
  json?: boolean;
}

export function registerPlan(program: Command): void {
  program
    .command("plan [table]")
    .description(
      "plan the migration of a database: what is there, what it will cost, what to run; writes nothing there",
    )
    .option("--workers <n>", "number of workers like this host", wholeNumberFrom(1), 1)
    .option("--device <device>", "cpu, webgpu, cuda or cuda:<number>", parseOneDevice, "cpu")
    .option("--seconds <n>", "seconds to run the model", wholeNumberFrom(1), 10)
    .option("--output <file>", "where to write the plan as HTML (default: reembed-plan.html, or nowhere with --json)")
    .option("--json", "print one JSON object")
    .action(async (table: string | undefined, { json, output, ...flags }: PlanFlags, command: Command) => {
      const settings = loadConfig(process.env);
      if (settings.databaseUrl === undefined) throw noDatabase();
      const log = createLogger(settings.logLevel);
      await using opened = await openDatabaseToRead(settings, log);
      const config = await resolveConfig(settings, opened.database);
      const asked = command.getOptionValueSource("device") !== "default";
      const device = chooseDevice(config, config.candidate, flags.device, asked);
      const plan = await planMigration({ database: opened.database, config, log, table, ...flags, device });
      const path = output ?? (json ? undefined : "reembed-plan.html");
      if (path !== undefined) await writeDocument(path, planDocument(plan));
      printResult(plan, json, describePlan(plan, path ?? ""));
    });
}

function noDatabase(): ReembedError {
  return new ReembedError("database_missing", "DATABASE_URL is not set: there is no database to plan for.", {
    exitCode: 2,
    remedy: "Set it to the application's database; nothing is written there.",
  });
}
