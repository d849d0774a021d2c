import type { Config } from "@reembed/config";
import { ReembedError, type Rollout, rolledBack, saysSomething, withPercent, withShadow } from "@reembed/core";
import { changeRollout, type Database, isRetired, readGuardWindow, readRollout } from "@reembed/store";
import type { Objection, Proof } from "./guards.ts";
import { readRolloutStatus } from "./rollout-status.ts";

/** Who asks for a change, and why. */
export interface Decision {
  by: string;
  reason: string;
  /** The proofs that are overruled where they are missing or have failed, each with the reason why. */
  overrule?: Partial<Record<Proof, string>> | undefined;
}

/**
 * Gives the candidate this share of subjects. A smaller one is always granted; a greater one only where the guards have
 * nothing against it, or are overruled.
 * @throws ReembedError with exit code 3 when they have, when the baseline is retired, or when somebody else was faster.
 */
export async function setPercent(
  database: Database,
  config: Config,
  percent: number,
  decision: Decision,
): Promise<void> {
  const rollout = await readRollout(database);
  const next = withPercent(rollout, percent);
  if (isSame(rollout, next)) return;
  await requireBaseline(database, rollout);
  const objections = percent > rollout.percent ? await readObjections(database, config, rollout) : [];
  const { by, reason, overrule = {} } = decision;
  const standing = objections.filter(({ proof }) => overrule[proof] === undefined);
  if (standing.length > 0) throw refused(rollout, standing);
  const overruled = Object.fromEntries(objections.map(({ proof }) => [proof, overrule[proof] ?? ""]));
  await changeRollout(database, rollout, next, {
    ...{ by, reason, overruled },
    baselineWindow: await readBaselineWindow(database, config, rollout),
  });
}

/** Has the candidate answer this share of the baseline's requests too, unseen: an experiment that needs no guard. */
export async function setShadowPercent(
  database: Database,
  config: Config,
  shadowPercent: number,
  decision: Decision,
): Promise<void> {
  const rollout = await readRollout(database);
  const next = withShadow(rollout, shadowPercent);
  if (isSame(rollout, next)) return;
  await requireBaseline(database, rollout);
  requirePair(config, rollout);
  const reason = `${shadowPercent} % of requests in shadow: ${decision.reason}`;
  await changeRollout(database, rollout, next, { by: decision.by, reason });
}

/**
 * Gives everybody back to the baseline, whatever the state, and whoever else is changing the rollout at this moment.
 * @throws ReembedError `baseline_retired` (exit code 3) when there is no baseline any more.
 */
export async function rollBack(database: Database, decision: Decision): Promise<void> {
  for (;;) {
    const rollout = await readRollout(database);
    if (rollout.percent === 0 && rollout.shadowPercent === 0) return;
    await requireBaseline(database, rollout);
    try {
      await changeRollout(database, rollout, rolledBack(rollout), decision);
      return;
    } catch (error) {
      if (!(error instanceof ReembedError && error.code === "rollout_changed")) throw error;
    }
  }
}

function isSame(rollout: Rollout, next: Rollout): boolean {
  return (
    rollout.stage === next.stage && rollout.percent === next.percent && rollout.shadowPercent === next.shadowPercent
  );
}

async function requireBaseline(database: Database, { baseline, candidate }: Rollout): Promise<void> {
  if (!(await isRetired(database, baseline))) return;
  throw new ReembedError(
    "baseline_retired",
    `${baseline} was retired by \`reembed finalize\` and its vectors are gone: ${candidate} serves everybody.`,
    {
      exitCode: 3,
      remedy: `To go back, migrate to ${baseline}: with it as CANDIDATE_PROFILE, \`reembed init\` begins it anew.`,
    },
  );
}

async function readObjections(database: Database, config: Config, rollout: Rollout): Promise<Objection[]> {
  requirePair(config, rollout);
  return (await readRolloutStatus(database, config)).objections;
}

/** The environment of a shell that means another migration than the database is in would be a dangerous one to decide in. */
function requirePair({ baseline, candidate }: Config, rollout: Rollout): void {
  if (rollout.candidate === rollout.baseline) {
    throw new ReembedError("no_candidate", `${rollout.baseline} is both baseline and candidate.`, {
      exitCode: 3,
      remedy: "Name another candidate in the environment and run `reembed init`.",
    });
  }
  if (rollout.baseline === baseline.name && rollout.candidate === candidate.name) return;
  throw new ReembedError(
    "rollout_of_others",
    `The rollout is from ${rollout.baseline} to ${rollout.candidate}; the environment names ${baseline.name} and ${candidate.name}.`,
    { exitCode: 3, remedy: "Set BASELINE_PROFILE and CANDIDATE_PROFILE, or roll back and run `reembed init`." },
  );
}

/** Kept while it says something: soon nobody may ask the baseline any more. */
async function readBaselineWindow(database: Database, { guardrails }: Config, { baseline }: Rollout) {
  const window = await readGuardWindow(database, baseline, { windowSeconds: guardrails.windowSeconds });
  return saysSomething(window, guardrails) ? window : undefined;
}

function refused({ candidate }: Rollout, objections: readonly Objection[]): ReembedError {
  const list = objections.map(({ proof, says }) => `\n  - ${proof}: ${says}`).join("");
  return new ReembedError("rollout_refused", `${candidate} gets no greater share yet:${list}`, {
    exitCode: 3,
    remedy: `Mend this, or overrule each by its name and with a reason, which is recorded: --overrule ${objections[0]?.proof}="…".`,
  });
}
