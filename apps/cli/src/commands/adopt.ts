import { configuredProfile, loadConfig } from "@reembed/config";
import { formatCount } from "@reembed/core";
import { type AdoptionReport, adoptTable, discoverTables, withCommands } from "@reembed/migration/adopt";
import { createLogger } from "@reembed/runtime";
import type { Command } from "commander";
import { openDatabaseAlone, openServices } from "../hosting/services.ts";
import { wholeNumberFrom } from "../options.ts";
import { describeDiscovery } from "../output/describe-discovery.ts";
import { printResult, printUnchanged } from "../output/print.ts";
import { progressBars } from "../output/progress-bars.ts";
import { addSourceOptions, type SourceFlags, sourceOf } from "./adopt-source.ts";

interface AdoptFlags extends SourceFlags {
  profile?: string;
  sample: number;
  reembed?: boolean;
  device: string;
  dryRun?: boolean;
  json?: boolean;
}

export function registerAdopt(program: Command): void {
  const command = program
    .command("adopt [table]")
    .description(
      "use an application's table of chunks and vectors as the corpus, without changing its rows; without a table, list those that there are",
    );
  addSourceOptions(command)
    .option("--profile <name>", "profile that the table becomes (default: the baseline)")
    .option("--sample <vectors>", "vectors to embed again and compare before any is copied", wholeNumberFrom(1), 200)
    .option("--reembed", "do not copy the vectors; workers embed all chunks")
    .option("--device <device>", "device for the comparison", "cpu")
    .option("--dry-run", "print the SQL and change nothing")
    .option("--json", "print one JSON object")
    .action(async (table: string | undefined, flags: AdoptFlags) => {
      if (table === undefined) await discover(flags);
      else await adopt(table, flags);
    });
}

async function discover({ json }: AdoptFlags): Promise<void> {
  const settings = loadConfig(process.env);
  const log = createLogger(settings.logLevel);
  await using opened = await openDatabaseAlone(settings, log, { purpose: "background" });
  const { database, config } = opened;
  const tables = await withCommands(database, await discoverTables(database, config.baseline));
  printResult({ tables }, json, describeDiscovery(tables));
}

async function adopt(table: string, flags: AdoptFlags): Promise<void> {
  const settings = loadConfig(process.env);
  const log = createLogger(settings.logLevel);
  await using services = await openServices(settings, log, flags);
  const { database, config } = services;
  using bars = progressBars();
  const { sample, device, reembed = false, json, dryRun } = flags;
  const profile = configuredProfile(config, flags.profile ?? config.baseline.name);
  const { update: onProgress } = bars.add("adopting", "ids");
  const wanted = await sourceOf(database, table, flags);
  const options = { database, config, profile, wanted, sample, reembed, device, onProgress, log };
  const report = await adoptTable(options);
  if (dryRun) printUnchanged();
  else printResult(report, json, describe(report));
}

function describe({
  table,
  profile,
  chunking,
  resumed,
  documents,
  vectors,
  checked,
  next,
  warnings,
}: AdoptionReport): string {
  const compared =
    checked === undefined
      ? []
      : [`compared   ${formatCount(checked.compared)} vectors; least cosine ${checked.leastCosine.toFixed(4)}`];
  return [
    `${table} is now the corpus of ${profile}, as chunking ${chunking}${resumed ? "; it had been adopted before, and is complete now" : ""}.`,
    ...compared,
    `documents  ${formatCount(documents)} created`,
    `vectors    ${formatCount(vectors.copied)} copied, ${formatCount(vectors.left)} left for workers to embed`,
    ...next,
    ...warnings.map((text) => `warning    ${text}`),
  ].join("\n");
}
