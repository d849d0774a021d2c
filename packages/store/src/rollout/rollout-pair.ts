import { randomBytes } from "node:crypto";
import type { Rollout } from "@reembed/core";
import { and, eq, ne } from "drizzle-orm";
import type { Database } from "../database/database.ts";
import { readProfile } from "../profiles/profiles.ts";
import { readCoverage } from "../progress/coverage.ts";
import { profiles } from "../schema/profiles.ts";
import { rollouts } from "../schema/rollout.ts";
import { isRetired, reviveRetired } from "./retirement.ts";
import { changeRollout, findRollout } from "./rollout.ts";
import { environmentName } from "./rollout-events.ts";

/** The profiles in the environment. */
export interface RolloutPair {
  baseline: string;
  candidate: string;
}

/**
 * Creates the rollout, with everybody on the baseline; an existing one stays. It follows the environment to another pair only
 * if nobody is affected, see `mayFollow`. Otherwise it stays as it is, and `reembed rollout` says so. Call this before the
 * profiles are registered, because a retired one that becomes the candidate again is built again.
 */
export async function ensureRollout(database: Database, pair: RolloutPair): Promise<void> {
  const salt = randomBytes(8).toString("hex");
  await database
    .insert(rollouts)
    .values({ ...pair, salt })
    .onConflictDoNothing();
  const rollout = await findRollout(database);
  // A dry run stores nothing.
  if (rollout === undefined) return;
  const { baseline, candidate } = rollout;
  if (baseline === pair.baseline && candidate === pair.candidate) return;
  if (!(await mayFollow(database, rollout, pair))) return;
  await database.transaction(async (transaction) => {
    await reviveRetired(transaction, pair.candidate);
    await changeRollout(
      transaction,
      rollout,
      { ...rollout, ...pair, stage: "baseline", percent: 0, shadowPercent: 0, salt },
      { by: environmentName, reason: `${baseline} → ${candidate} becomes ${pair.baseline} → ${pair.candidate}` },
    );
  });
}

/**
 * While the candidate answers nobody, it can be replaced, and so can the baseline by a profile that is as complete. While it
 * answers somebody, there are two ways. After the old baseline was retired, the next migration starts from the candidate that
 * answers everybody. And the migration plan's rollback is an environment in which both are the baseline.
 */
async function mayFollow(database: Database, rollout: Rollout, pair: RolloutPair): Promise<boolean> {
  const { baseline, candidate, percent, stage } = rollout;
  if (stage === "full" && (await isRetired(database, baseline))) return pair.baseline === candidate;
  if (pair.baseline === baseline) return percent === 0 || pair.candidate === baseline;
  return percent === 0 && (await readShare(database, pair.baseline)) >= (await readShare(database, baseline));
}

/** The share of its chunks that a profile can find. */
async function readShare(database: Database, name: string): Promise<number> {
  const [usable] = await database
    .select({ name: profiles.name })
    .from(profiles)
    .where(and(eq(profiles.name, name), ne(profiles.state, "retired")));
  return usable === undefined ? 0 : (await readCoverage(database, await readProfile(database, name))).coverage;
}
