import { configuredProfile, loadConfig } from "@reembed/config";
import {
  buildAndMeasure,
  defaultBuild,
  lostVectors,
  missedRecall,
  refuseEmbedded,
  type WantedIndex,
} from "@reembed/migration/index";
import { createLogger } from "@reembed/runtime";
import { readProfile } from "@reembed/store/profiles";
import { annIndexName, readAnnIndex } from "@reembed/store/search";
import { type Command, Option } from "commander";
import { openServices } from "../hosting/services.ts";
import { numberBetween, wholeNumberFrom } from "../options.ts";
import { describeBuilt, describeStatus } from "../output/describe-index.ts";
import { printResult } from "../output/print.ts";
import { progressLine, secondsLeft } from "../output/progress-line.ts";

interface BuildFlags extends Omit<WantedIndex, "memoryBytes"> {
  profile?: string;
  /** Memory in mebibytes. */
  memory?: number;
  dryRun?: boolean;
  json?: boolean;
}

export function registerIndex(program: Command): void {
  const command = program
    .command("index")
    .description("build and inspect the approximate index that searches of a profile use");
  registerBuild(command);
  registerStatus(command);
}

function registerBuild(command: Command): void {
  command
    .command("build")
    .description("build the index without blocking searches or writers, and find the best ef_search for it")
    .option("--profile <name>", "profile to index (default: the candidate)")
    .addOption(new Option("--kind <kind>", "kind of the index").choices(["hnsw", "ivfflat"]).default(defaultBuild.kind))
    .option(
      "--target-recall <share>",
      "recall@10 to reach: the share of the ten nearest chunks that searches find",
      numberBetween(0, 1),
      defaultBuild.targetRecall,
    )
    .option("--m <links>", "links per vector of an hnsw index (default: 16)", wholeNumberFrom(2))
    .option("--ef-construction <n>", "candidates for links that hnsw considers (default: 64)", wholeNumberFrom(4))
    .option("--lists <n>", "lists of an ivfflat index (default: one per thousand vectors)", wholeNumberFrom(1))
    .option("--memory <MB>", "memory for the build (default: what it needs, if available)", wholeNumberFrom(1))
    .option("--sample <vectors>", "vectors to measure the recall with", wholeNumberFrom(1), defaultBuild.sample)
    .option("--force", "build even if the backfill is not complete")
    .option("--dry-run", "print the SQL and change nothing")
    .option("--json", "print one JSON object")
    .action(async (flags: BuildFlags) => {
      const { memory, dryRun = false, json } = flags;
      const settings = loadConfig(process.env);
      refuseEmbedded(settings.databaseUrl);
      await using services = await openServices(settings, createLogger(settings.logLevel), { dryRun });
      const { database, config } = services;
      const name = configuredProfile(config, flags.profile ?? config.candidate.name).name;
      const profile = await readProfile(database, name);
      using progress = progressLine();
      const memoryBytes = memory === undefined ? undefined : memory * 2 ** 20;
      const built = await buildAndMeasure({ ...flags, memoryBytes }, { database, profile, progress, dryRun });
      if (built === undefined) {
        progress.step("Nothing was changed.");
        return;
      }
      printResult(built, json, describeBuilt(built));
      if (!built.reached) throw missedRecall(built);
      if (built.lost > 0) throw lostVectors(built);
    });
}

function registerStatus(command: Command): void {
  command
    .command("status")
    .description("show whether there is an index, how it was measured, and the progress of a build")
    .option("--profile <name>", "profile to show (default: the candidate)")
    .option("--json", "print one JSON object")
    .action(async (flags: { profile?: string; json?: boolean }) => {
      const settings = loadConfig(process.env);
      await using services = await openServices(settings, createLogger(settings.logLevel));
      const { config } = services;
      const name = configuredProfile(config, flags.profile ?? config.candidate.name).name;
      const profile = await readProfile(services.database, name);
      const { building, ...index } = await readAnnIndex(services.database, profile);
      const status = {
        ...{ profile: name, index: annIndexName(profile), ...index },
        building: building === null ? null : { ...building, etaSeconds: secondsLeft(building) },
        measured: profile.ann,
      };
      printResult(status, flags.json, describeStatus(status));
    });
}
