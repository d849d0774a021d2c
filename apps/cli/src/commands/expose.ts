import { configuredProfile, loadConfig } from "@reembed/config";
import { formatCount } from "@reembed/core";
import { type ExposureReport, exposeProfile, unexposeProfile } from "@reembed/migration/expose";
import { createLogger } from "@reembed/runtime";
import { type Command, Option } from "commander";
import { openServices } from "../hosting/services.ts";
import { printResult, printUnchanged } from "../output/print.ts";
import { progressLine } from "../output/progress-line.ts";

interface ExposeFlags {
  type: "halfvec" | "vector";
  role: string[];
  remove?: boolean;
  dryRun?: boolean;
  json?: boolean;
}

export function registerExpose(program: Command): void {
  program
    .command("expose")
    .description("give the application a schema in which its table has a profile's vectors, to switch its reads in SQL")
    .argument("<profile>", "profile whose vectors are shown")
    .addOption(
      new Option("--type <type>", "type of the vectors, for frameworks that insist on vector")
        .choices(["halfvec", "vector"])
        .default("halfvec"),
    )
    .option(
      "--role <role>",
      "role that may use the schema; can be repeated",
      (role, roles) => [...roles, role],
      [] as string[],
    )
    .option("--remove", "remove the schema again")
    .option("--dry-run", "print the SQL and change nothing")
    .option("--json", "print one JSON object")
    .action(async (given: string, { type, role: roles, remove, dryRun = false, json }: ExposeFlags) => {
      const settings = loadConfig(process.env);
      await using services = await openServices(settings, createLogger(settings.logLevel), { dryRun });
      const { database, config } = services;
      const profile = configuredProfile(config, given).name;
      using progress = progressLine();
      if (remove) {
        await unexposeProfile(database, profile);
        if (dryRun) printUnchanged();
        else printResult({ removed: profile }, json, `The exposure of ${profile} is removed.`);
        return;
      }
      const onStep = (step: string) => progress.step(step);
      const report = await exposeProfile(database, { profile, type, roles, dryRun, onStep });
      if (dryRun) printUnchanged();
      else printResult(report, json, describe(report));
    });
}

function describe({
  profile,
  schema,
  table,
  type,
  dimensions,
  rows,
  index,
  functions,
  roles,
  warnings,
}: ExposureReport) {
  return [
    `${table} is in the schema ${schema} too, with the vectors of ${profile}: set search_path=${schema},public in the application's connection, and its model to that of ${profile}.`,
    `rows       ${formatCount(rows.shown)} of ${formatCount(rows.all)}`,
    `vectors    ${type} of ${dimensions} dimensions${index === null ? "" : `, searched by ${index}`}`,
    ...functions.copied.map((signature) => `function   ${signature}`),
    ...(roles.length === 0 ? [] : [`roles      ${roles.join(", ")}`]),
    ...warnings.map((text) => `warning    ${text}`),
  ].join("\n");
}
