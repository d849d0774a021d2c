import {
  ReembedError,
  type Rollout,
  requireKnownModel,
  rolledBack,
  saysSomething,
  withPercent,
  withShadow,
} from "@reembed/core";
import type { Database } from "@reembed/store/database";
import type { Decision } from "@reembed/store/operators";
import { readProfile } from "@reembed/store/profiles";
import { changeRollout, isRetired, readGuardWindow, readRollout } from "@reembed/store/rollout";
import type { RolloutConfig } from "./evidence.ts";
import type { Objection, Proof } from "./objections.ts";
import { readRolloutStatus } from "./rollout-status.ts";

/** Who requests a change, and why. */
export interface RolloutDecision extends Decision {
  /** Proofs that are overruled if they are missing or have failed, each with a reason. */
  overrule?: Partial<Record<Proof, string>> | undefined;
  /** The version of the rollout that it is about: refused if another one is there by now. By default, the present one. */
  version?: number | undefined;
}

/**
 * Sets the candidate's share of subjects. A smaller share is always allowed; a greater one only without objections, or if
 * each is overruled.
 * @throws ReembedError with exit code 3 for objections, a retired baseline, or a concurrent change by somebody else.
 */
export async function setPercent(
  database: Database,
  config: RolloutConfig,
  percent: number,
  decision: RolloutDecision,
): Promise<void> {
  const rollout = await readDecided(database, decision);
  const next = withPercent(rollout, percent);
  if (isSame(rollout, next)) return;
  await requireBaseline(database, rollout);
  const objections = percent > rollout.percent ? await readObjections(database, config, rollout) : [];
  const { by, as, reason, overrule = {} } = decision;
  const standing = objections.filter(({ proof }) => overrule[proof] === undefined);
  if (standing.length > 0) throw refused(rollout, standing);
  const overruled = Object.fromEntries(objections.map(({ proof }) => [proof, overrule[proof] ?? ""]));
  await changeRollout(database, rollout, next, {
    ...{ by, as, reason, overruled },
    baselineWindow: await readBaselineWindow(database, config, rollout),
  });
}

/** Sets the share of the baseline's requests that the candidate answers too, unseen. Shadowing needs no proof. */
export async function setShadowPercent(
  database: Database,
  config: RolloutConfig,
  shadowPercent: number,
  decision: RolloutDecision,
): Promise<void> {
  const rollout = await readDecided(database, decision);
  const next = withShadow(rollout, shadowPercent);
  if (isSame(rollout, next)) return;
  await requireBaseline(database, rollout);
  requirePair(config, rollout);
  // The candidate shadows what the baseline has answered, for which its queries must be embedded.
  if (shadowPercent > 0) requireKnownModel(await readProfile(database, rollout.baseline));
  const { by, as } = decision;
  const reason = `${shadowPercent} % of requests in shadow: ${decision.reason}`;
  await changeRollout(database, rollout, next, { by, as, reason });
}

/**
 * Has the baseline answer everybody again, from any stage and despite concurrent changes of the rollout.
 * @throws ReembedError `baseline_retired` (exit code 3) if the baseline was finalized.
 */
export async function rollBack(database: Database, decision: RolloutDecision): Promise<void> {
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

/** With another version than the present one, `changeRollout` refuses, and says what has changed. */
async function readDecided(database: Database, { version }: RolloutDecision): Promise<Rollout> {
  const rollout = await readRollout(database);
  return version === undefined ? rollout : { ...rollout, version };
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
    `${baseline} was retired by \`reembed finalize\` and its vectors were removed: ${candidate} answers everybody.`,
    {
      exitCode: 3,
      remedy: `To go back, migrate to ${baseline}: set CANDIDATE_PROFILE to it and run \`reembed init\`, which registers it again.`,
    },
  );
}

async function readObjections(database: Database, config: RolloutConfig, rollout: Rollout): Promise<Objection[]> {
  requirePair(config, rollout);
  return (await readRolloutStatus(database, config)).objections;
}

/** Refuses a change from a shell whose environment names another migration than the one in the database. */
function requirePair({ baseline, candidate }: RolloutConfig, rollout: Rollout): void {
  if (rollout.candidate === rollout.baseline) {
    throw new ReembedError("no_candidate", `${rollout.baseline} is both baseline and candidate.`, {
      exitCode: 3,
      remedy: "Set CANDIDATE_PROFILE to another profile and run `reembed init`.",
    });
  }
  if (rollout.baseline === baseline.name && rollout.candidate === candidate.name) return;
  throw new ReembedError(
    "rollout_of_others",
    `The rollout is from ${rollout.baseline} to ${rollout.candidate}; the environment has ${baseline.name} and ${candidate.name}.`,
    { exitCode: 3, remedy: "Set BASELINE_PROFILE and CANDIDATE_PROFILE, or roll back and run `reembed init`." },
  );
}

/** Stored while it has enough searches: soon the baseline may get no requests any more. */
async function readBaselineWindow(database: Database, { guardrails }: RolloutConfig, { baseline }: Rollout) {
  const window = await readGuardWindow(database, baseline, { windowSeconds: guardrails.windowSeconds });
  return saysSomething(window, guardrails) ? window : undefined;
}

function refused({ candidate }: Rollout, objections: readonly Objection[]): ReembedError {
  const list = objections.map(({ proof, says }) => `\n  - ${proof}: ${says}`).join("");
  return new ReembedError("rollout_refused", `${candidate} cannot get a greater share yet:${list}`, {
    exitCode: 3,
    remedy: `Fix this, or overrule each proof by its name with a reason, which is recorded: --overrule ${objections[0]?.proof}="…".`,
  });
}
