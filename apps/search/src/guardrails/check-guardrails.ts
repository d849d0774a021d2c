import {
  type Breach,
  findBreaches,
  type GuardrailSettings,
  type GuardWindow,
  ReembedError,
  type Rollout,
  rolledBack,
  saysSomething,
} from "@reembed/core";
import type { Database } from "@reembed/store/database";
import {
  changeRollout,
  guardrailName,
  isRetired,
  readGuardWindow,
  readKeptWindow,
  readRolloutEvents,
  readStageEntry,
} from "@reembed/store/rollout";

export interface GuardrailFinding {
  outcome: "rolled back" | "warned";
  breaches: Breach[];
  reason: string;
}

/**
 * Compares the candidate with the baseline once, and rolls back if it is worse by more than the settings allow. In shadow
 * nobody sees the candidate's answers, so a breach is only recorded, once. If several processes find a breach, only the
 * first one to act on it returns it.
 */
export async function checkGuardrails(
  database: Database,
  rollout: Rollout,
  settings: GuardrailSettings,
): Promise<GuardrailFinding | undefined> {
  const breaches = await findPresentBreaches(database, rollout, settings);
  if (breaches.length === 0) return undefined;
  const reason = breaches.map(({ sentence }) => sentence).join("; ");
  const shadow = rollout.stage === "shadow";
  if (shadow && (await hasWarned(database))) return undefined;
  const next = shadow ? rollout : rolledBack(rollout);
  try {
    await changeRollout(database, rollout, next, { by: guardrailName, reason });
  } catch (error) {
    // Another process has found it too, or an operator has changed the rollout meanwhile: the next check starts from there.
    if (error instanceof ReembedError && error.code === "rollout_changed") return undefined;
    throw error;
  }
  return { outcome: shadow ? "warned" : "rolled back", breaches, reason };
}

async function findPresentBreaches(
  database: Database,
  rollout: Rollout,
  settings: GuardrailSettings,
): Promise<Breach[]> {
  const { stage, baseline, candidate } = rollout;
  if (stage !== "shadow" && stage !== "canary" && stage !== "full") return [];
  // The baseline is finalized: there is nothing to go back to.
  if (await isRetired(database, baseline)) return [];
  // Both windows begin with the stage: what the candidate did before a rollback does not count again, and a bad hour of
  // the whole database is in both windows.
  const since = (await readStageEntry(database))?.changedAt;
  const range = { windowSeconds: settings.windowSeconds, since };
  const present = await readGuardWindow(database, candidate, { ...range, shadow: stage === "shadow" });
  if (!saysSomething(present, settings)) return [];
  const reference = await readReference(database, rollout, settings, since);
  return reference === undefined ? [] : findBreaches(present, reference, settings);
}

/** If too few subjects are left with the baseline, its last window before they were taken away is the reference. */
async function readReference(
  database: Database,
  { baseline }: Rollout,
  settings: GuardrailSettings,
  since: Date | undefined,
): Promise<GuardWindow | undefined> {
  const present = await readGuardWindow(database, baseline, { windowSeconds: settings.windowSeconds, since });
  return saysSomething(present, settings) ? present : await readKeptWindow(database);
}

async function hasWarned(database: Database): Promise<boolean> {
  const [last] = await readRolloutEvents(database, 1);
  return last?.changedBy === guardrailName;
}
