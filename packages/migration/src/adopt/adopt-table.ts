import { isDeepStrictEqual } from "node:util";
import { activeProfiles } from "@reembed/config";
import { formatCount, isRechunked, type Profile, ReembedError } from "@reembed/core";
import {
  adoptAgain,
  adoptedTables,
  checkSource,
  copyVectors,
  createDocuments,
  readAdoption,
  releaseAdoption,
  takeOver,
} from "@reembed/store/adoption";
import { checkAllRows, takeChanges } from "@reembed/store/changes";
import { type Database, schemaOf } from "@reembed/store/database";
import { readTriggerFacts } from "@reembed/store/diagnosis";
import { type Installation, readOtherInstallations } from "@reembed/store/discovery";
import { readQuarantined } from "@reembed/store/embeddings";
import { readProfile, readProfiles } from "@reembed/store/profiles";
import { readCoverage, readQuarantineReasons } from "@reembed/store/progress";
import { registerProfiles } from "@reembed/store/registration";
import type { AdoptedSource, ChunkSource } from "@reembed/store/schema";
import { describeNextStep } from "../backfill/next-step.ts";
import { judgeTriggers } from "../doctor/triggers.ts";
import { withoutDocuments } from "../rechunk/rechunk-corpus.ts";
import type { AdoptOptions } from "./adopt-options.ts";
import { type CheckedVectors, checkVectors } from "./check-vectors.ts";
import { inSchemaOf, suggestSchema } from "./suggest-schema.ts";

/** The output of `reembed adopt --json`. */
export interface AdoptionReport {
  table: string;
  profile: string;
  chunking: string;
  /** Whether the candidate embeds the table's rows, or cuts the documents anew. */
  chunks: "keep" | "cut";
  /** Whether an interrupted adoption was continued, or had been completed before. */
  resumed: boolean;
  documents: number;
  /** Vectors that were copied, and chunks whose vector could not be copied and which workers will embed. */
  vectors: { copied: number; left: number };
  /** Undefined if nothing was compared. */
  checked: CheckedVectors | undefined;
  /** Profiles that are not embedded before an operator has done something. */
  paused: string[];
  /** What that is for each of them, as a sentence. */
  next: string[];
  /** Rows on which an expression fails, and what keeps triggers on the application's tables from recording their changes. */
  warnings: string[];
}

/** Vectors per transaction, which then takes some tens of milliseconds. */
const copiedTogether = 1_000;

/**
 * Takes over an application's table of chunks as the chunks of a profile and, after a sample has shown that they come from
 * the profile's model, its vectors as the profile's vectors. After an interruption, the next run continues.
 * @throws ReembedError of `checkSource`, `checkVectors` and `takeOver`, and `already_adopted` (exit code 3).
 */
export async function adoptTable(options: AdoptOptions): Promise<AdoptionReport> {
  const { database, config, profile, reembed } = options;
  const checkedSource = await checkSource(database, options.wanted);
  const registered = [profile, ...activeProfiles(config)];
  await registerProfiles(database, registered);
  const before = await readAdoption(database);
  const chunks = chooseChunks(options, before?.source);
  const source = { ...checkedSource, chunks };
  const others = await readOtherInstallations(database);
  if (before !== undefined && before.source.table !== source.table) {
    throw adoptedOtherwise(source.table, { own: schemaOf(database), before: before.source.table, others });
  }

  let checked: CheckedVectors | undefined;
  if (before !== undefined) {
    if (await isFollowedOtherwise(database, before.source, source)) await adoptAgain(database, before.chunking, source);
  } else {
    if (!reembed) checked = await checkVectors(source, options);
    await takeOver(database, profile, source, { vectors: !reembed });
    await setFailingRowsAside(database);
    // Numbers the rows that were inserted while the others were.
    await takeChanges(database);
    // Their views referred to the partition that was removed.
    await registerProfiles(database, registered);
  }
  const adoption = await readAdoption(database);
  const documents = adoption === undefined ? 0 : await createDocuments(database, adoption);
  const vectors = await copyAll(options);
  if (reembed) vectors.left = (await readCoverage(database, await readProfile(database, profile.name))).pending;
  const waiting = (await readProfiles(database)).filter(({ paused }) => paused);
  const steps = await Promise.all(
    waiting.map(async (one) => [one.name, describeNextStep(one, (await readCoverage(database, one)).chunks)] as const),
  );
  const findings = await Promise.all(
    adoptedTables(source).map(async (table) => judgeTriggers(table, await readTriggerFacts(database, table))),
  );
  const triggers = findings.flat().flatMap(({ check, says, remedy, verdict }) => {
    return verdict === "ok" ? [] : [`${check}: ${says}. ${remedy ?? ""}`];
  });
  return {
    table: source.table,
    profile: profile.name,
    chunking: (await readProfile(database, profile.name)).chunking,
    chunks,
    resumed: before !== undefined,
    documents,
    vectors,
    checked,
    paused: waiting.map(({ name }) => name),
    next: steps.flatMap(([name, step]) => (step === null ? [] : [`${name} ${step}.`])),
    warnings: [...(await describeFailingRows(database, profile)), ...triggers, ...describeOthers(source.table, others)],
  };
}

/** @throws ReembedError `expression_failed` (exit code 3), with the table released, if so many fail that the expression is to blame. */
async function setFailingRowsAside(database: Database): Promise<void> {
  try {
    await checkAllRows(database);
  } catch (error) {
    const adoption = await readAdoption(database);
    if (adoption !== undefined) await releaseAdoption(database, adoption.chunking);
    throw error;
  }
}

/** The first of the rows on which an expression fails, which are in quarantine. */
async function describeFailingRows(database: Database, { name }: Profile): Promise<string[]> {
  const reason = "expression_failed";
  const profile = await readProfile(database, name);
  const [first] = await readQuarantined(database, profile, { reason, limit: 1 });
  if (first === undefined) return [];
  const chunks = (await readQuarantineReasons(database, profile)).find((one) => one.reason === reason)?.chunks ?? 0;
  const others = chunks > 1 ? ` So do others, ${formatCount(chunks)} rows in all.` : "";
  const list = `\`reembed quarantine list --profile ${name}\` names them`;
  return [`quarantine: ${first.detail}${others} ${list}; correct them, and they are embedded.`];
}

/**
 * By default a candidate embeds the application's own rows, so that ids and metadata stay theirs. Where the application has
 * the documents' bodies, or the environment chooses a size of chunks, it cuts them anew.
 * @throws ReembedError `chunking_contradicted` (exit code 2).
 */
function chooseChunks(
  { wanted, config }: AdoptOptions,
  adopted: ChunkSource | undefined,
): Required<ChunkSource>["chunks"] {
  const { chunks } = wanted;
  if (chunks === undefined && adopted !== undefined) return adopted.chunks ?? "cut";
  const rechunked = isRechunked(config.candidate);
  if (chunks === "keep" && rechunked) {
    throw new ReembedError(
      "chunking_contradicted",
      `${config.candidate.name} cuts documents anew, because MAX_CHUNK_SIZE or CHUNK_OVERLAP is set.`,
      { exitCode: 2, remedy: "Unset both to keep the table's chunks, or give --chunks cut." },
    );
  }
  const chosen = chunks ?? (rechunked || wanted.documents?.body !== undefined ? "cut" : "keep");
  if (chosen === "cut" && wanted.document === undefined) throw withoutDocuments(wanted.table);
  return chosen;
}

async function copyAll({ database, profile, onProgress }: AdoptOptions): Promise<AdoptionReport["vectors"]> {
  const { backfillTarget } = await readProfile(database, profile.name);
  const vectors = { copied: 0, left: 0 };
  for (;;) {
    const batch = await copyVectors(database, profile.name, copiedTogether);
    if (batch === undefined) return vectors;
    vectors.copied += batch.copied;
    vectors.left += batch.chunks - batch.copied;
    onProgress(batch.cursor, backfillTarget);
  }
}

/**
 * Whether a table is to be read by other expressions than before, has lost triggers, as one that was replaced, or needs row
 * triggers, as for a subscription.
 */
async function isFollowedOtherwise(database: Database, before: AdoptedSource, source: AdoptedSource): Promise<boolean> {
  if (!isDeepStrictEqual({ chunks: "cut", ...before }, JSON.parse(JSON.stringify(source)))) return true;
  const facts = await Promise.all(adoptedTables(source).map((table) => readTriggerFacts(database, table)));
  return facts.some(({ missing, subscriptions }) => missing.length + subscriptions.length > 0);
}

/** Another installation that follows the same table: of other rows, or to compare two candidates. */
function describeOthers(table: string, others: readonly Installation[]): string[] {
  const same = others.filter(({ tables }) => tables.includes(table)).map(({ schema }) => schema);
  if (same.length === 0) return [];
  return [
    `installations: ${table} is adopted in ${same.join(", ")} too, and every write to it fires the triggers of all.`,
  ];
}

function adoptedOtherwise(
  table: string,
  { own, before, others }: { own: string; before: string; others: readonly Installation[] },
): ReembedError {
  const schema = suggestSchema(table, [own, ...others.map((other) => other.schema)]);
  const there = others.find(({ tables }) => tables.includes(table));
  const remedy =
    there === undefined
      ? `For ${table} beside it, run \`${inSchemaOf(schema, "reembed init")}\`, and this command and all others for it with REEMBED_SCHEMA=${schema} too. Or run \`reembed release ${before}\` first.`
      : `${table} is adopted in the schema ${there.schema}: set REEMBED_SCHEMA=${there.schema} for it.`;
  return new ReembedError("already_adopted", `This installation has already adopted ${before}.`, {
    exitCode: 3,
    remedy,
  });
}
