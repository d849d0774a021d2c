import { type Config, configuredProfile, loadConfig } from "@reembed/config";
import { formatCount } from "@reembed/core";
import { type BackfillQueue, pauseBackfill, resumeBackfill, startOrAdjustBackfill } from "@reembed/migration/backfill";
import { limitSpending } from "@reembed/migration/spending";
import { EmbedQueues } from "@reembed/queue";
import { createLogger } from "@reembed/runtime";
import { type RegisteredProfile, readProfile } from "@reembed/store/profiles";
import type { BackfillOrder } from "@reembed/store/schema";
import { type Command, Option } from "commander";
import { openServices } from "../hosting/services.ts";
import { numberBetween, operatorName, person, share } from "../options.ts";
import { describeBackfill } from "../output/describe-backfill.ts";
import { printResult } from "../output/print.ts";

interface BackfillFlags {
  profile?: string;
  by: string;
  reason: string;
  dryRun?: boolean;
  json?: boolean;
}

interface StartFlags extends BackfillFlags {
  order: BackfillOrder;
  until?: number;
  rate?: number;
  budget?: number | null;
}

interface Outcome {
  result: object;
  text: string;
  withdrawn: number;
}

export function registerBackfill(program: Command): void {
  const backfill = program.command("backfill").description("start, limit and pause the embedding of existing chunks");
  changing(
    backfill,
    "start",
    "start the backfill, or change its settings; options that are not given get their defaults",
  )
    .addOption(
      new Option("--order <order>", "oldest chunks first, newest chunks first, or first those that searches find")
        .choices(["id", "newest", "most-searched"] satisfies BackfillOrder[])
        .default("id"),
    )
    .option("--until <share>", "stop when this share of the chunks is embedded, such as 10% (default: all)", parseUntil)
    .option("--rate <chunks/s>", "maximum chunks per second (default: unlimited)", numberBetween(0.001, 1e6))
    .option(
      "--budget <amount>",
      "stop before all that an embedding server embeds for the profile has cost this much; none: no limit (default: as it is)",
      parseBudget,
    )
    .action((flags: StartFlags) =>
      change(flags, async (on, before, config) => {
        const { order, until = null, rate = null, budget } = flags;
        if (budget !== undefined)
          await limitSpending(on.database, configuredProfile(config, before.name), { budget, config });
        const { profile, withdrawn, prioritised } = await startOrAdjustBackfill(
          on,
          before,
          { order, until, rate },
          flags,
        );
        const { name, state } = profile;
        const result = { profile: name, state, paused: false, order, until, rate, budget, withdrawn, prioritised };
        return { result, withdrawn, text: describeBackfill(before, { order, until, rate, budget }, prioritised) };
      }),
    );
  changing(
    backfill,
    "pause",
    "stop enqueueing the backfill; running batches are finished, and changes are still embedded",
  ).action((flags: BackfillFlags) =>
    change(flags, async (on, { name, ...profile }) => {
      const withdrawn = await pauseBackfill(on, { name, ...profile }, flags);
      const result = { profile: name, paused: true, withdrawn };
      return { result, withdrawn, text: `The backfill of ${name} is paused; changes are still embedded.` };
    }),
  );
  changing(backfill, "resume", "continue a paused backfill").action((flags: BackfillFlags) =>
    change(flags, async (on, profile) => {
      const { name, paused } = profile;
      await resumeBackfill(on, profile, flags);
      const text = paused ? `The backfill of ${name} continues.` : `The backfill of ${name} was not paused.`;
      return { result: { profile: name, paused: false }, withdrawn: 0, text };
    }),
  );
}

function changing(parent: Command, name: string, description: string): Command {
  return parent
    .command(name)
    .description(description)
    .option("--profile <name>", "profile to embed (default: the candidate)")
    .option("--by <name>", "name of the person who decides", person, operatorName())
    .option("--reason <text>", "reason, recorded with the change", "")
    .option("--dry-run", "print the SQL that would be run, and change nothing")
    .option("--json", "print one JSON object");
}

async function change(
  { profile: name, dryRun, json }: BackfillFlags,
  work: (on: BackfillQueue, profile: RegisteredProfile, config: Config) => Promise<Outcome>,
): Promise<void> {
  const settings = loadConfig(process.env);
  await using services = await openServices(settings, createLogger(settings.logLevel), { dryRun });
  const { database, config } = services;
  await using queues = new EmbedQueues(services.queue, () => {});
  const profile = await readProfile(database, name ?? config.candidate.name);
  const on = { database, queue: queues.of(profile.name), dryRun: services.dryRun };
  const { result, text, withdrawn } = await work(on, profile, config);
  const taken = `${formatCount(withdrawn)} chunks waiting in the queue`;
  if (dryRun) return void process.stdout.write(`-- ${taken} would be removed from it. Nothing was changed.\n`);
  const rest =
    withdrawn > 0 ? `\n${formatCount(withdrawn)} chunks that were waiting in the queue were removed from it.` : "";
  printResult(result, json, `${text}${rest}`);
}

function parseBudget(text: string): number | null {
  return text === "none" ? null : numberBetween(0, 1e12)(text);
}

/** All chunks are no share at which a backfill stops. */
function parseUntil(text: string): number | null {
  const until = share(text);
  return until === 1 ? null : until;
}
