import { type Config, loadConfig, type Settings } from "@reembed/config";
import { formatAmount, formatBytes, formatCount, formatDuration, formatShare, ReembedError } from "@reembed/core";
import { requireTwoProfiles } from "@reembed/migration/evaluate";
import { createLogger, untilSignal } from "@reembed/runtime";
import { readAdoption } from "@reembed/store/adoption";
import { checkTables, type Database, hasTables } from "@reembed/store/database";
import type { ChunkSource } from "@reembed/store/schema";
import { type Command, Option } from "commander";
import { writeDocument } from "../documents/document.ts";
import { rehearsalDocument } from "../documents/rehearsal-document.ts";
import { parseOneDevice } from "../hosting/devices.ts";
import { openDatabaseAlone } from "../hosting/services.ts";
import { numberBetween, share as parseShare } from "../options.ts";
import { printResult } from "../output/print.ts";
import type { Rehearsal } from "../rehearsal/rehearsal-result.ts";
import { pricedProfiles, rehearse } from "../rehearsal/run-rehearsal.ts";
import { addSourceOptions, type SourceFlags, sourceOf } from "./adopt-source.ts";

interface RehearseFlags extends SourceFlags {
  share: number;
  queries?: string;
  device: string;
  budget?: number;
  reembed?: boolean;
  output?: string;
  json?: boolean;
}

/** What producer and workers log would stand between the steps. */
const quiet = { LOG_LEVEL: "warn" };

export function registerRehearse(program: Command): void {
  const command = program
    .command("rehearse [table]")
    .description(
      "play the whole migration with a sample of a table (default: the adopted one), from adoption to rollback, in schemas of its own that are removed afterwards",
    )
    .addOption(
      new Option("--share <percent>", "share of the documents, with all rows of each; at least 500 rows")
        .argParser(parseShare)
        .default(0.01, "1%"),
    )
    .option("--queries <file.jsonl>", "what people ask (default: the latest queries of the search log, or sentences)")
    .option("--device <device>", "cpu, webgpu, cuda or cuda:<number>", parseOneDevice, "cpu")
    .option(
      "--budget <amount>",
      "what may be paid for each profile, if its embedding server has a price",
      numberBetween(0, 1e12),
    )
    .option("--reembed", "do not copy the table's vectors; the baseline embeds the rows too");
  addSourceOptions(command)
    .option("--output <file>", "where to write the report (default: reembed-rehearsal.html, or nowhere with --json)")
    .option("--json", "print one JSON object")
    .action(async (table: string | undefined, flags: RehearseFlags) => {
      const settings = loadConfig(process.env, quiet);
      requireServer(settings);
      const log = createLogger(settings.logLevel);
      await using opened = await openDatabaseAlone(settings, log);
      const { database: live, config } = opened;
      requireTwoProfiles(config);
      requireBudget(config, flags.budget);
      const isInstalled = await hasTables(live);
      if (isInstalled) await checkTables(live);
      const wanted = await chooseSource(live, { table, flags, isInstalled });
      const { share, queries, device, budget, reembed = false, json } = flags;
      const signal = abortedBySignal();
      const given = { wanted, share, queries, device, budget, reembed };
      const rehearsal = await rehearse({ live, settings, isInstalled, log, signal, ...given });
      const path = flags.output ?? (json ? undefined : "reembed-rehearsal.html");
      if (path !== undefined) await writeDocument(path, rehearsalDocument(rehearsal));
      printResult(rehearsal, json, describe(rehearsal, path));
    });
}

/** The first signal has everything removed that the rehearsal made; a later one ends the process. */
function abortedBySignal(): AbortSignal {
  const controller = new AbortController();
  void untilSignal("SIGINT", "SIGTERM").then(() =>
    controller.abort(new ReembedError("interrupted", "The rehearsal was interrupted.")),
  );
  return controller.signal;
}

async function chooseSource(
  live: Database,
  { table, flags, isInstalled }: { table: string | undefined; flags: RehearseFlags; isInstalled: boolean },
): Promise<ChunkSource> {
  if (table !== undefined) return await sourceOf(live, table, flags);
  refuseFlags(flags);
  const adoption = isInstalled ? await readAdoption(live) : undefined;
  if (adoption?.present) return adoption.source;
  throw new ReembedError("nothing_adopted", "No table is adopted, so there is none to rehearse with.", {
    exitCode: 2,
    remedy: "Name one, with the options of `reembed adopt`; `reembed adopt` without a table lists what there is.",
  });
}

/** They would say what a table is, and the adopted one has said so. */
function refuseFlags({
  documentsKey,
  share,
  queries,
  device,
  budget,
  reembed,
  output,
  json,
  ...ofTable
}: RehearseFlags): void {
  const [given] = Object.entries(ofTable).find(([, value]) => value !== undefined) ?? [];
  if (given === undefined) return;
  throw new ReembedError("table_unnamed", `--${given} is about a table, and none is named.`, {
    exitCode: 2,
    remedy: "Name the table, or leave the option out to rehearse with the adopted one.",
  });
}

/** Nothing is paid for that nobody has agreed to. */
function requireBudget(config: Config, budget: number | undefined): void {
  if (budget !== undefined) return;
  const [priced] = pricedProfiles(config);
  if (priced === undefined) return;
  throw new ReembedError("budget_missing", `The embedding server of ${priced.name} has a price.`, {
    exitCode: 2,
    remedy: "Say what a rehearsal may pay: --budget <amount>.",
  });
}

function requireServer({ databaseUrl }: Settings): void {
  if (databaseUrl !== undefined) return;
  throw new ReembedError("rehearsal_embedded", "DATABASE_URL is not set, and the embedded database is small.", {
    exitCode: 2,
    remedy: "Set it to the application's database; or migrate, which takes no longer than a rehearsal there.",
  });
}

function describe({ table, share, steps, whole, spent }: Rehearsal, path: string | undefined): string {
  const concerns = steps.filter(({ concern }) => concern !== null).map(({ name }) => name);
  const looked =
    concerns.length === 0 ? "Nothing is of concern." : `Of concern, as said above: ${concerns.join(", ")}.`;
  return [
    `The rehearsal with ${formatShare(share)} of ${table} came to its end. ${looked}`,
    `The whole would be ${formatCount(whole.chunks)} chunks, ${formatCount(whole.tokens)} tokens,`,
    `${formatDuration(whole.seconds)} with one worker like this, and ${formatBytes(whole.vectorBytes)} of vectors and index.`,
    ...(whole.cost === null ? [] : [`It would cost ${formatAmount(whole.cost)}.`]),
    ...(spent === null ? [] : [`The rehearsal has cost ${formatAmount(spent)}.`]),
    ...(path === undefined ? [] : [`The report is in ${path}.`]),
  ].join("\n");
}
