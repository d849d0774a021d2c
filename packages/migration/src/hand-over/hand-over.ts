import { formatCount, ReembedError } from "@reembed/core";
import type { Database } from "@reembed/store/database";
import { readOtherInstallations } from "@reembed/store/discovery";
import {
  addNewColumn,
  buildNewIndexes,
  countUnfilled,
  countWithoutOld,
  exchangeColumns,
  fillBlock,
  fillWithZeros,
  type HandOverPlan,
  planHandOver,
  requireVectors,
  undoExchange,
} from "@reembed/store/hand-over";
import { readProfile } from "@reembed/store/profiles";
import { readRollout } from "@reembed/store/rollout";
import { openSession, prepareBuild, readBuildGround } from "@reembed/store/search";
import { requireSameRows } from "../expose/same-rows.ts";
import { findReasonsToWait } from "../finalize/finalize.ts";
import { planBuild } from "../index/plan-build.ts";

export interface HandOverOptions {
  /** Days for which the candidate must have answered everybody. */
  keepDays: number;
  /** The share of rows that may stay without a vector, as those in quarantine. */
  maxMissingShare: number;
  /** Called with a description before anything is changed. If it returns false, nothing is. */
  confirm: (question: string) => Promise<boolean>;
  onStep: (step: string) => void;
  onProgress: (written: number) => void;
}

/** The output of `reembed finalize --hand-over --json`. */
export interface HandOverReport {
  profile: string;
  table: string;
  column: string;
  /** The name under which the old vectors are kept. */
  oldColumn: string;
  written: number;
  /** Rows without a vector of the profile, such as those in quarantine. */
  missing: number;
  /** How long statements on the table waited for the exchange; null if it had been made before. */
  lockedMs: number | null;
  warnings: string[];
}

/** Rows of one transaction, which takes some tens of milliseconds. */
const writtenTogether = 200;
/** With this many rounds, rows that change in every round are left to the last one, after the exchange. */
const mostRounds = 5;

/**
 * Writes the candidate's vectors into the application's own table, and exchanges them for the old ones, which are kept under
 * another name. This is the one use case that writes the application's rows. It can be stopped at any point and repeated.
 * Returns nothing if it was not confirmed.
 * @throws ReembedError `hand_over_refused` (exit code 3) that lists all objections, or `hand_over_incomplete`.
 */
export async function handOver(database: Database, options: HandOverOptions): Promise<HandOverReport | undefined> {
  const { confirm, onStep } = options;
  const plan = await readPlan(database);
  await refuse(database, plan, options.keepDays);
  if (!(await confirm(describe(plan)))) return undefined;
  let written = 0;
  const fill = async (of: HandOverPlan) => {
    written += await fillAll(database, of, (more) => options.onProgress(written + more));
  };
  const exchanged = { ...plan, newColumn: plan.column };
  const warnings: string[] = [];
  let lockedMs: number | null = null;
  if (plan.state !== "handed-over") {
    onStep(`writing vectors into ${plan.profile.source.table}.${plan.newColumn}`);
    await addNewColumn(database, plan);
    await fill(plan);
    await refuseIncomplete(database, plan, options.maxMissingShare);
    warnings.push(...(await buildIndexes(database, plan, onStep)));
    await fill(plan);
    lockedMs = await exchangeColumns(database, plan);
  }
  await fill(exchanged);
  const { missing } = await countUnfilled(database, exchanged);
  if (plan.table.vector.notNull) {
    while ((await fillWithZeros(database, exchanged, writtenTogether)) > 0);
    await requireVectors(database, exchanged);
  }
  return {
    ...{ profile: plan.profile.name, table: plan.profile.source.table, column: plan.column, oldColumn: plan.oldColumn },
    ...{ written, missing, lockedMs, warnings },
  };
}

/** Gives the table its old vectors back. Returns the number of rows that have none, because they were written since. */
export async function undoHandOver(
  database: Database,
  confirm: HandOverOptions["confirm"],
): Promise<{ table: string; withoutVector: number } | undefined> {
  const plan = await readPlan(database);
  const { table } = plan.profile.source;
  if (plan.state === "none") {
    throw new ReembedError("not_handed_over", `${table} has its own vectors: nothing was handed over.`, {
      exitCode: 3,
    });
  }
  const withoutVector = plan.state === "handed-over" ? await countWithoutOld(database, plan) : 0;
  const lost = withoutVector === 0 ? "" : ` ${formatCount(withoutVector)} rows written since have no old vector.`;
  const question = `This gives ${table} its old vectors back and removes the new ones from it.${lost} Set the application to the old model at the same time.`;
  if (!(await confirm(question))) return undefined;
  await undoExchange(database, plan);
  return { table, withoutVector };
}

async function readPlan(database: Database): Promise<HandOverPlan> {
  const { baseline, candidate } = await readRollout(database);
  const profile = requireSameRows(await readProfile(database, candidate));
  return await planHandOver(database, profile, (await readProfile(database, baseline)).dimensions);
}

async function refuse(database: Database, plan: HandOverPlan, keepDays: number): Promise<void> {
  const { profile, table, views } = plan;
  const objections = await findReasonsToWait(database, await readRollout(database), keepDays);
  if (!table.isOwned) {
    objections.push(
      `Only the owner of ${profile.source.table}, ${table.owner}, may add a column: use it in DATABASE_URL.`,
    );
  }
  if (table.isPartitioned) objections.push(`${profile.source.table} is partitioned, and gets no index concurrently.`);
  if (profile.source.where !== undefined) {
    objections.push(`Only a part of ${profile.source.table} was adopted, and the other rows would lose their vectors.`);
  }
  const others = (await readOtherInstallations(database)).filter(({ tables }) => tables.includes(profile.source.table));
  if (plan.state === "none" && others.length > 0) {
    const schemas = others.map(({ schema }) => schema).join(", ");
    objections.push(
      `${profile.source.table} is adopted in ${schemas} too, which reads its vectors: release it there with REEMBED_SCHEMA=${others[0]?.schema} first.`,
    );
  }
  if (plan.state !== "handed-over" && views.length > 0) {
    objections.push(
      `${views.join(", ")} would go on showing the old vectors: drop them, and create them again afterwards.`,
    );
  }
  if (objections.length === 0) return;
  const list = objections.map((objection) => `\n  - ${objection}`).join("");
  throw new ReembedError("hand_over_refused", `${profile.name} cannot be handed over yet:${list}`, { exitCode: 3 });
}

function describe({ profile, column, oldColumn, length }: HandOverPlan): string {
  const { table } = profile.source;
  return `This writes the application's own rows: every row of ${table} gets its vector of ${profile.name} (${length} dimensions), 200 rows at a time, and the table's own triggers fire. Then ${column} becomes the new vectors, and the old ones are kept as ${oldColumn} until \`reembed uninstall\`. From that moment on the application must use the new model for what it writes and asks. \`reembed finalize --hand-over --undo\` takes it back.`;
}

/** Rounds over all rows until one finds nothing to do. Returns the number of rows that were written. */
async function fillAll(database: Database, plan: HandOverPlan, onProgress: (written: number) => void): Promise<number> {
  let total = 0;
  for (let round = 1; round <= mostRounds; round++) {
    let [written, left] = [0, 0];
    for (let after: number | null = null; ; ) {
      const block = await fillBlock(database, plan, { after, limit: writtenTogether });
      if (block === undefined) break;
      after = block.last;
      written += block.written;
      left += block.left;
      onProgress(total + written);
    }
    total += written;
    if (left === 0) break;
  }
  return total;
}

async function buildIndexes(
  database: Database,
  plan: HandOverPlan,
  onStep: HandOverOptions["onStep"],
): Promise<string[]> {
  if (plan.indexes.length === 0) return [];
  onStep(`building ${plan.indexes.map(({ name }) => name).join(", ")} on the new vectors`);
  await using session = await openSession(database);
  const ground = await readBuildGround(database, plan.profile);
  await prepareBuild(session, planBuild({ kind: "hnsw" }, { dimensions: plan.length }, ground, undefined));
  const impossible = await buildNewIndexes(session, plan);
  return impossible.map(
    ({ name }) =>
      `${name} has no counterpart: pgvector's index holds no vectors of ${plan.length} dimensions of this type.`,
  );
}

async function refuseIncomplete(database: Database, plan: HandOverPlan, most: number): Promise<void> {
  const { all, missing } = await countUnfilled(database, plan);
  if (missing <= most * all) return;
  throw new ReembedError(
    "hand_over_incomplete",
    `${formatCount(missing)} of ${formatCount(all)} rows of ${plan.profile.source.table} have no vector of ${plan.profile.name}; at most ${100 * most} % may have none (MAX_QUARANTINED_SHARE).`,
    { exitCode: 3, remedy: "Nothing was exchanged. Wait for the workers, and run the command again: it goes on." },
  );
}
