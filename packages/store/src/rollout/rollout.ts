import { type GuardWindow, ReembedError, type Rollout } from "@reembed/core";
import { eq, sql } from "drizzle-orm";
import type { Queryable } from "../database/database.ts";
import { rollouts } from "../schema/rollout.ts";
import { readRolloutEvents } from "./rollout-events.ts";

/** @throws ReembedError `rollout_missing` (exit code 3) if `reembed init` has not run. */
export async function readRollout(database: Queryable): Promise<Rollout> {
  const rollout = await findRollout(database);
  if (rollout === undefined) {
    throw new ReembedError("rollout_missing", "The database has no rollout.", {
      exitCode: 3,
      remedy: "Run `reembed init` with the same environment.",
    });
  }
  return rollout;
}

/** Undefined before `reembed init`. */
export async function findRollout(database: Queryable): Promise<Rollout | undefined> {
  const { baseline, candidate, stage, percent, shadowPercent, salt, version } = rollouts;
  const [rollout] = await database
    .select({ baseline, candidate, stage, percent, shadowPercent, salt, version })
    .from(rollouts)
    .where(eq(rollouts.id, 1));
  return rollout;
}

export interface ChangeReason {
  /** Who made the change: a person's name, or `guardrail`. */
  by: string;
  /** The role, and how it was known; undefined on the command line. */
  as?: string | undefined;
  reason: string;
  /** The proofs that were missing and overruled, each with a reason. */
  overruled?: Record<string, string>;
  /** How the baseline has answered until now, to be compared with the candidate later. */
  baselineWindow?: GuardWindow | undefined;
}

/**
 * Replaces the rollout and records who did it and why, in one statement. Returns the rollout with its new version.
 * @throws ReembedError `rollout_changed` (exit code 3) if `from` was no longer the present rollout.
 */
export async function changeRollout(
  database: Queryable,
  from: Rollout,
  to: Rollout,
  { by, as, reason, overruled = {}, baselineWindow }: ChangeReason,
): Promise<Rollout> {
  const window = baselineWindow === undefined ? null : JSON.stringify(baselineWindow);
  const { rows } = await database.execute<{ version: number }>(sql`
    with changed as (
      update reembed.rollouts set baseline = ${to.baseline}, candidate = ${to.candidate}, stage = ${to.stage},
        percent = ${to.percent}, shadow_percent = ${to.shadowPercent}, salt = ${to.salt}, version = version + 1,
        changed_at = now()
      where id = 1 and version = ${from.version}
      returning version
    ), recorded as (
      insert into reembed.rollout_events
        (changed_by, changed_as, from_stage, from_percent, to_stage, to_percent, reason, overruled, baseline_window)
      select ${by}, ${as ?? null}::text, ${from.stage}, ${from.percent}::real, ${to.stage}, ${to.percent}::real, ${reason},
        ${JSON.stringify(overruled)}::jsonb, ${window}::jsonb
      from changed
    )
    select version from changed`);
  const version = rows[0]?.version;
  if (version !== undefined) return { ...to, version };
  // A dry run stores nothing.
  if ((await findRollout(database))?.version === from.version) return to;
  throw await changedMeanwhile(database);
}

async function changedMeanwhile(database: Queryable): Promise<ReembedError> {
  const [last] = await readRolloutEvents(database, 1);
  const what = last && `${last.toStage}, ${last.toPercent} %, by ${last.changedBy}: ${last.reason}`;
  return new ReembedError(
    "rollout_changed",
    `Somebody else has changed the rollout meanwhile: ${what ?? "it was removed"}`,
    {
      exitCode: 3,
      remedy: "Run `reembed rollout status` and decide again.",
    },
  );
}
