import type { Config } from "@reembed/config";
import { adviceOf, messageOf, type Profile, ReembedError } from "@reembed/core";
import { embeddingServerOf, startProfileEmbedder } from "@reembed/embedder";
import type { Logger } from "@reembed/runtime";
import { version } from "@reembed/runtime/version";
import type { Database } from "@reembed/store/database";
import { readDatabaseTime, readServerFacts, readTriggerFacts } from "@reembed/store/diagnosis";
import { readTableSize, readVectorTables } from "@reembed/store/discovery";
import { type Discovery, withCommands } from "../adopt/adopt-command.ts";
import { discoverTables } from "../adopt/discover.ts";
import { examine } from "../doctor/examine.ts";
import type { Finding } from "../doctor/finding.ts";
import { judgeTriggers } from "../doctor/triggers.ts";
import { costOf } from "../estimate/estimate-backfill.ts";
import { measureRate } from "../estimate/measure-rate.ts";
import { type AdoptionEstimate, type AdoptionSample, estimateAdoption } from "./estimate-adoption.ts";
import type { MigrationPlan, PlannedProfile, PlannedSpeed, PlannedTable } from "./plan.ts";
import { listCommands } from "./planned-commands.ts";

export interface PlanOptions {
  /** Opened for reading alone. */
  database: Database;
  config: Config;
  log: Logger;
  /** The table to adopt, as SQL writes it; by default the largest one that nothing is in the way of. */
  table?: string | undefined;
  workers: number;
  device: string;
  /** How long to run the model. */
  seconds: number;
}

/** In a database with a hundred collections, only the largest are estimated. */
const mostEstimates = 10;

/**
 * Plans a migration of a database that Reembed may never have seen, from its catalogue, random blocks of its tables and a
 * short run of the candidate's model. Writes nothing there.
 * @throws ReembedError `table_missing` (exit code 2) if `table` is not a table with vectors.
 */
export async function planMigration(options: PlanOptions): Promise<MigrationPlan> {
  const { database, config, log, workers } = options;
  const facts = await readServerFacts(database);
  const at = (await readDatabaseTime(database)).toISOString();
  const found = await withCommands(database, await discoverTables(database, config.baseline));
  const wanted = await resolveTable(database, options.table);
  const samples = await estimateLargest(found, options);
  const chosen = choose(found, wanted);
  const sample = chosen && samples.get(chosen.adoption);
  const plannedChunks = sample?.estimate.chunks.total;
  const findings = await examine(config, log, { sample: 0, server: database, plannedChunks });
  findings.push(...(await examineTables(database, found)));
  const speed = await measureSpeed(sample, options);
  return {
    ...{ version, at, workers, speed, findings },
    database: {
      name: facts.database,
      bytes: facts.databaseBytes,
      postgres: facts.version,
      pgvector: facts.pgvector.installed,
    },
    baseline: describeProfile(config.baseline),
    candidate: describeProfile(config.candidate),
    tables: await describeTables(database, found, samples),
    chosen: chosen === undefined ? null : { table: chosen.found.table, collection: chosen.adoption.collection },
    seconds: timeOf(sample?.estimate, speed, workers),
    cost: costOfTokens(sample?.estimate, config),
    commands:
      chosen === undefined ? [] : listCommands({ config, adopt: chosen.adoption.command, schema: chosen.found.schema }),
  };
}

/** The full name of a table that was asked for. */
async function resolveTable(database: Database, table: string | undefined): Promise<string | undefined> {
  if (table === undefined) return undefined;
  const [found] = await readVectorTables(database, table);
  if (found !== undefined) return found.name;
  throw new ReembedError("table_missing", `There is no table ${table} with a column of type vector or halfvec.`, {
    exitCode: 2,
    remedy: "`reembed plan` without a table lists those that there are.",
  });
}

/** What would keep triggers on these tables from recording every change. */
async function examineTables(database: Database, found: readonly Discovery[]): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const table of new Set(found.map((one) => one.table))) {
    const facts = await readTriggerFacts(database, table);
    const adopted = found.some((one) => one.table === table && one.adopted);
    const judged = judgeTriggers(table, adopted ? facts : { ...facts, missing: [] });
    findings.push(...judged.filter(({ verdict }) => verdict !== "ok"));
  }
  return findings;
}

type Adoption = Discovery["adoptions"][number];

async function estimateLargest(
  found: readonly Discovery[],
  { database, config, log }: PlanOptions,
): Promise<Map<Adoption, AdoptionSample>> {
  const readable = found
    .flatMap((one) => one.adoptions.map((adoption) => ({ one, adoption })))
    .filter(({ one }) => one.source.content !== undefined)
    .sort((a, b) => (b.adoption.rows ?? 0) - (a.adoption.rows ?? 0));
  const samples = new Map<Adoption, AdoptionSample>();
  for (const { one, adoption } of readable.slice(0, mostEstimates)) {
    const sampled = { table: one.table, content: one.source.content ?? "", where: adoption.where };
    try {
      samples.set(adoption, await estimateAdoption(database, sampled, { profile: config.candidate, config }));
    } catch (error) {
      log.warn({ table: one.table, error: messageOf(error) }, "the table cannot be sampled");
    }
  }
  return samples;
}

/** The table that was asked for or, of those that nothing is in the way of, the largest; of its collections likewise. */
function choose(
  found: readonly Discovery[],
  wanted: string | undefined,
): { found: Discovery; adoption: Adoption } | undefined {
  const size = ({ rows }: { rows: number | null }) => rows ?? 0;
  const candidates = found.filter(({ table }) => wanted === undefined || table === wanted);
  const [first] = candidates.toSorted(
    (a, b) => Math.min(1, a.obstacles.length) - Math.min(1, b.obstacles.length) || size(b) - size(a),
  );
  const [adoption] = first?.adoptions.toSorted((a, b) => size(b) - size(a)) ?? [];
  return first && adoption && { found: first, adoption };
}

async function measureSpeed(
  sample: AdoptionSample | undefined,
  { config, log, device, seconds }: PlanOptions,
): Promise<PlannedSpeed> {
  const texts = sample?.texts ?? [];
  if (texts.length === 0) return { measured: null, unknown: "There is no text to try the model with." };
  try {
    await using embedder = await startProfileEmbedder(config.candidate, config, { device, log });
    const shuffled = texts.map((text) => ({ text, place: Math.random() })).sort((a, b) => a.place - b.place);
    const { batchSize } = config.producer;
    const measured = await measureRate(
      embedder,
      shuffled.map(({ text }) => text),
      { seconds, batchSize },
    );
    return { measured: { ...measured, device: embedder.device }, unknown: null };
  } catch (error) {
    return { measured: null, unknown: adviceOf(error) };
  }
}

function timeOf(
  estimate: AdoptionEstimate | undefined,
  { measured }: PlannedSpeed,
  workers: number,
): MigrationPlan["seconds"] {
  if (!estimate?.tokens || measured === null || measured.tokensPerSecond === 0) return null;
  const seconds = (tokens: number) => tokens / (measured.tokensPerSecond * workers);
  const { total, low, high } = estimate.tokens;
  return { total: seconds(total), low: seconds(low), high: seconds(high) };
}

function costOfTokens(estimate: AdoptionEstimate | undefined, config: Config): MigrationPlan["cost"] {
  const price = embeddingServerOf(config, config.candidate)?.price;
  return estimate?.tokens ? costOf(estimate.tokens, price) : null;
}

async function describeTables(
  database: Database,
  found: readonly Discovery[],
  samples: ReadonlyMap<Adoption, AdoptionSample>,
): Promise<PlannedTable[]> {
  const tables: PlannedTable[] = [];
  for (const one of found) {
    const { bytes } = await readTableSize(database, one.table);
    const adoptions = one.adoptions.map((adoption) => ({
      ...adoption,
      estimate: samples.get(adoption)?.estimate ?? null,
    }));
    tables.push({ ...one, bytes, adoptions });
  }
  return tables;
}

function describeProfile({ name, model: { id, revision, dimensions, maxTokens } }: Profile): PlannedProfile {
  return { profile: name, model: id, revision, dimensions, maxTokens };
}
