import { loadConfig, type Settings } from "@reembed/config";
import { formatBytes, formatCount, formatDuration, formatShare, ReembedError } from "@reembed/core";
import { chooseDevice } from "@reembed/embedder";
import { requireTwoProfiles } from "@reembed/migration/evaluate";
import { createLogger, untilSignal } from "@reembed/runtime";
import { checkSource, readAdoption } from "@reembed/store/adoption";
import { checkTables, type Database } from "@reembed/store/database";
import type { AdoptedSource } from "@reembed/store/schema";
import { type Command, InvalidArgumentError } from "commander";
import { writeDocument } from "../documents/document.ts";
import { rehearsalDocument } from "../documents/rehearsal-document.ts";
import { parseOneDevice } from "../hosting/devices.ts";
import { openDatabaseAlone } from "../hosting/services.ts";
import { printResult } from "../output/print.ts";
import type { Rehearsal } from "../rehearsal/rehearsal.ts";
import { rehearse } from "../rehearsal/run-rehearsal.ts";
import { addSourceOptions, type SourceFlags, sourceOf } from "./adopt-source.ts";

interface RehearseFlags extends SourceFlags {
  share: number;
  queries?: string;
  device: string;
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
    .option("--share <percent>", "share of the documents, all rows of each; at least 500 rows", parseShare, 0.01)
    .option("--queries <file.jsonl>", "what people ask (default: the latest queries of the search log, or sentences)")
    .option("--device <device>", "cpu, webgpu, cuda or cuda:<number>", parseOneDevice, "cpu");
  addSourceOptions(command)
    .option("--output <file>", "where to write the report (default: reembed-rehearsal.html, or nowhere with --json)")
    .option("--json", "print one JSON object")
    .action(async (table: string | undefined, flags: RehearseFlags, command: Command) => {
      const settings = loadConfig(process.env, quiet);
      requireServer(settings);
      const log = createLogger(settings.logLevel);
      await using opened = await openDatabaseAlone(settings, log);
      const { database: live, config } = opened;
      requireTwoProfiles(config);
      const isInstalled = await hasTables(live);
      const source = await chooseSource(live, { table, flags, isInstalled });
      const asked = command.getOptionValueSource("device") !== "default";
      const { share, queries, json } = flags;
      const rehearsal = await rehearse({
        ...{ live, settings, source, share, queries, isInstalled, log, signal: abortedBySignal() },
        device: chooseDevice(config, config.candidate, flags.device, asked),
      });
      const path = flags.output ?? (json ? undefined : "reembed-rehearsal.html");
      if (path !== undefined) await writeDocument(path, rehearsalDocument(rehearsal));
      printResult(rehearsal, json, describe(rehearsal, path));
    });
}

/** The first signal has everything removed that the rehearsal made; a later one ends the process. */
function abortedBySignal(): AbortSignal {
  const controller = new AbortController();
  void untilSignal("SIGINT", "SIGTERM").then(() =>
    controller.abort(new ReembedError("interrupted", "The rehearsal was interrupted; what it made is removed.")),
  );
  return controller.signal;
}

async function hasTables(database: Database): Promise<boolean> {
  try {
    await checkTables(database);
    return true;
  } catch (error) {
    if (error instanceof ReembedError && error.code === "tables_missing") return false;
    throw error;
  }
}

async function chooseSource(
  live: Database,
  { table, flags, isInstalled }: { table: string | undefined; flags: RehearseFlags; isInstalled: boolean },
): Promise<AdoptedSource> {
  if (table !== undefined) {
    return { ...(await checkSource(live, await sourceOf(live, table, flags))), chunks: flags.chunks };
  }
  const adoption = isInstalled ? await readAdoption(live) : undefined;
  if (adoption?.present) return adoption.source;
  throw new ReembedError("nothing_adopted", "No table is adopted, so there is none to rehearse with.", {
    exitCode: 2,
    remedy: "Name one, with the options of `reembed adopt`; `reembed adopt` without a table lists what there is.",
  });
}

function requireServer({ databaseUrl }: Settings): void {
  if (databaseUrl !== undefined) return;
  throw new ReembedError("rehearsal_embedded", "DATABASE_URL is not set, and the embedded database is small.", {
    exitCode: 2,
    remedy: "Set it to the application's database; or migrate, which takes no longer than a rehearsal there.",
  });
}

function describe({ table, share, steps, whole }: Rehearsal, path: string | undefined): string {
  const concerns = steps.filter(({ concern }) => concern !== null).map(({ name }) => name);
  const looked =
    concerns.length === 0 ? "Nothing is of concern." : `Of concern, as said above: ${concerns.join(", ")}.`;
  return [
    `The rehearsal with ${formatShare(share)} of ${table} came to its end, and what it made is removed. ${looked}`,
    `For the whole, it foretells ${formatCount(whole.chunks)} chunks, ${formatCount(whole.tokens)} tokens,`,
    `${formatDuration(whole.seconds)} with one worker like this, and ${formatBytes(whole.vectorBytes)} of vectors and index.`,
    ...(path === undefined ? [] : [`The report is in ${path}.`]),
  ].join("\n");
}

/** `1%` or `0.5`: percent, so that nobody takes everything by leaving a sign out. */
function parseShare(text: string): number {
  const percent = Number(text.replace(/\s*%$/, ""));
  if (text.trim() !== "" && percent > 0 && percent <= 100) return percent / 100;
  throw new InvalidArgumentError("It must be a percentage above 0 and up to 100, such as 1%.");
}
