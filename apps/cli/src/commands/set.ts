import { loadConfig, readAdjustable } from "@reembed/config";
import { ReembedError } from "@reembed/core";
import { findAdjustable, listSettings, type Setting, setSetting } from "@reembed/migration/settings";
import { createLogger } from "@reembed/runtime";
import type { Command } from "commander";
import { openServices } from "../hosting/services.ts";
import { operatorName, person } from "../options.ts";
import { describeSettings } from "../output/describe-settings.ts";
import { printUnchanged } from "../output/print.ts";

interface SetFlags {
  reset?: boolean;
  by: string;
  reason: string;
  dryRun?: boolean;
  json?: boolean;
}

export function registerSet(program: Command): void {
  program
    .command("set")
    .description("change a bound while processes run; without arguments, list the bounds")
    .argument("[name]", "variable of .env.example, such as MAX_ACTIVE_SESSIONS")
    .argument("[value]", "value for all processes; they follow within seconds")
    .option("--reset", "have each process follow its own environment again")
    .option("--by <name>", "name of the person who decides", person, operatorName())
    .option("--reason <text>", "reason, recorded with the change", "")
    .option("--dry-run", "print the SQL that would be run, and change nothing")
    .option("--json", "print one JSON object per bound")
    .action(async (name: string | undefined, value: string | undefined, { dryRun, ...flags }: SetFlags) => {
      const settings = loadConfig(process.env);
      const given = readAdjustable(process.env);
      const asked = name === undefined ? undefined : findAdjustable(name, given);
      if (asked === undefined ? flags.reset : flags.reset && value !== undefined) throw resetWhat();
      await using services = await openServices(settings, createLogger(settings.logLevel), { dryRun });
      const { database } = services;
      if (asked !== undefined && (flags.reset || value !== undefined)) {
        await setSetting(database, asked, flags.reset ? null : (value ?? null), { by: flags.by, reason: flags.reason });
        if (dryRun) return printUnchanged();
      }
      const all = await listSettings(database, given);
      const shown = asked === undefined ? all : all.filter((one) => one.name === asked.name);
      print(shown, flags.json);
    });
}

function print(settings: readonly Setting[], json: boolean | undefined): void {
  const text = json ? settings.map((one) => JSON.stringify(one)).join("\n") : describeSettings(settings);
  process.stdout.write(`${text}\n`);
}

function resetWhat(): ReembedError {
  return new ReembedError("reset_what", "--reset needs the name of one bound, and no value.", {
    exitCode: 2,
    remedy: "`reembed set` lists the names.",
  });
}
