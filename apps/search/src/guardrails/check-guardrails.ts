import {
  findBreaches,
  type GuardFigure,
  type GuardrailSettings,
  measureGuardrails,
  ReembedError,
  type Rollout,
  rolledBack,
} from "@reembed/core";
import type { Database } from "@reembed/store/database";
import { changeRollout, guardrailName, readComparedWindows, readRolloutEvents } from "@reembed/store/rollout";

export interface GuardrailCheck {
  /** Every measure that the searches say something about; empty while they are too few. */
  figures: GuardFigure[];
  /** What was done about a breach, if this process did it. */
  finding: GuardrailFinding | undefined;
}

interface GuardrailFinding {
  outcome: "rolled back" | "warned";
  breaches: GuardFigure[];
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
): Promise<GuardrailCheck> {
  const windows = await readComparedWindows(database, rollout, settings);
  const figures = windows === undefined ? [] : measureGuardrails(windows.candidate, windows.baseline, settings);
  return { figures, finding: await act(database, rollout, findBreaches(figures)) };
}

async function act(
  database: Database,
  rollout: Rollout,
  breaches: GuardFigure[],
): Promise<GuardrailFinding | undefined> {
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

async function hasWarned(database: Database): Promise<boolean> {
  const [last] = await readRolloutEvents(database, 1);
  return last?.changedBy === guardrailName;
}
