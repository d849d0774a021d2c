import { loadConfig } from "@reembed/config";
import { formatCount, ReembedError } from "@reembed/core";
import { type ChosenChunks, retryChunks } from "@reembed/migration/quarantine";
import { createLogger } from "@reembed/runtime";
import type { Database } from "@reembed/store/database";
import { readQuarantined, readQuarantinedChunk } from "@reembed/store/embeddings";
import { type RegisteredProfile, readProfile } from "@reembed/store/profiles";
import { readQuarantineReasons } from "@reembed/store/progress";
import { type Command, InvalidArgumentError } from "commander";
import { openServices } from "../hosting/services.ts";
import { operatorName, person, wholeNumberFrom } from "../options.ts";
import { describeChunk, describeList } from "../output/describe-quarantine.ts";
import { printResult, printUnchanged } from "../output/print.ts";

interface QuarantineFlags {
  profile?: string;
  failure?: string;
  json?: boolean;
}

interface RetryFlags extends QuarantineFlags {
  by: string;
  reason: string;
  dryRun?: boolean;
}

interface ListFlags extends QuarantineFlags {
  limit: number;
  after: number;
}

export function registerQuarantine(program: Command): void {
  const quarantine = program.command("quarantine").description("list and retry the chunks that could not be embedded");
  ofProfile(quarantine.command("list"))
    .description("list the chunks in quarantine with their reasons")
    .option("--failure <reason>", "only chunks that are there for this reason")
    .option("--limit <n>", "maximum number of chunks to list", wholeNumberFrom(1), 50)
    .option("--after <chunk>", "continue after this chunk", chunkId, 0)
    .action(async ({ failure: reason, limit, after, json, ...flags }: ListFlags) => {
      await withProfile(flags, async (database, profile) => {
        const reasons = await readQuarantineReasons(database, profile);
        const chunks = await readQuarantined(database, profile, { reason, after, limit });
        printResult({ profile: profile.name, reasons, chunks }, json, describeList(profile.name, reasons, chunks));
      });
    });
  ofProfile(quarantine.command("show"))
    .description("show one chunk in quarantine, with its text")
    .argument("<chunk>", "id of the chunk", chunkId)
    .action(async (id: number, { json, ...flags }: QuarantineFlags) => {
      await withProfile(flags, async (database, profile) => {
        const chunk = await readQuarantinedChunk(database, profile, id);
        if (chunk === undefined) throw noneThere(profile, `no chunk ${id}`);
        printResult({ profile: profile.name, ...chunk }, json, describeChunk(chunk));
      });
    });
  ofProfile(quarantine.command("retry"))
    .description("embed these chunks, or all that failed for one reason, again")
    .argument("[chunks...]", "ids of the chunks", (text: string, ids: number[] = []) => [...ids, chunkId(text)])
    .option("--failure <reason>", "all chunks that are there for this reason")
    .option("--by <name>", "name of the person who decides", person, operatorName())
    .option("--reason <text>", "reason of the retry, recorded with it", "")
    .option("--dry-run", "print the SQL that would be run, and change nothing")
    .action(async (ids: number[], { failure, by, reason, json, ...flags }: RetryFlags) => {
      const chosen = chooseChunks(ids, failure);
      await withProfile(flags, async (database, profile) => {
        const retried = await retryChunks(database, profile, chosen, { by, reason });
        if (flags.dryRun) return printUnchanged();
        if (retried === 0) {
          throw noneThere(profile, failure === undefined ? `no chunk ${ids.join(", ")}` : `no chunk for ${failure}`);
        }
        const others = "reason" in chosen ? 0 : chosen.chunkIds.length - retried;
        const text = `${count(retried)} will be enqueued again.`;
        const rest =
          others > 0 ? ` ${count(others)} of those named ${others === 1 ? "is" : "are"} not in quarantine.` : "";
        printResult({ profile: profile.name, retried }, json, `${text}${rest}`);
      });
    });
}

function ofProfile(command: Command): Command {
  return command
    .option("--profile <name>", "profile of the quarantine (default: the candidate)")
    .option("--json", "print one JSON object");
}

async function withProfile(
  { profile, dryRun }: { profile?: string; dryRun?: boolean },
  work: (database: Database, profile: RegisteredProfile) => Promise<void>,
): Promise<void> {
  const settings = loadConfig(process.env);
  await using services = await openServices(settings, createLogger(settings.logLevel), { dryRun });
  const { database, config } = services;
  await work(database, await readProfile(database, profile ?? config.candidate.name));
}

function chooseChunks(chunkIds: number[], failure: string | undefined): ChosenChunks {
  if (failure === undefined && chunkIds.length > 0) return { chunkIds: [...new Set(chunkIds)] };
  if (failure !== undefined && chunkIds.length === 0) return { reason: failure };
  throw new ReembedError("retry_what", "Give either the ids of the chunks to retry or a --failure, not both.", {
    exitCode: 2,
    remedy: "`reembed quarantine list` shows ids and reasons.",
  });
}

function count(chunks: number): string {
  return `${formatCount(chunks)} ${chunks === 1 ? "chunk" : "chunks"}`;
}

function noneThere({ name }: RegisteredProfile, what: string): ReembedError {
  return new ReembedError("not_in_quarantine", `There is ${what} in the quarantine of ${name}.`, {
    remedy: `\`reembed quarantine list --profile ${name}\` lists what is there.`,
  });
}

function chunkId(text: string): number {
  const id = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(id)) return id;
  throw new InvalidArgumentError("It must be the id of a chunk.");
}
