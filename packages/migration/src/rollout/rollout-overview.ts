import type { GuardWindow, Rollout } from "@reembed/core";
import type { Database } from "@reembed/store/database";
import { type Evaluation, lastEvaluation } from "@reembed/store/evaluation";
import {
  findRollout,
  isRetired,
  type RolloutEvent,
  readGuardWindow,
  readLastBreach,
  readRolloutEvents,
} from "@reembed/store/rollout";

/** The window of the profiles' figures. */
export const windowMinutes = 10;
const shownChanges = 5;
const freshMs = 10_000;

/** Which profile answers whom, how well, and who decided that. */
export interface RolloutOverview {
  rollout: Rollout;
  /** Whether `reembed finalize` has retired the baseline, so that there is no way back. */
  baselineRetired: boolean;
  /** Figures of the last ten minutes. */
  windows: { profile: string; window: GuardWindow }[];
  /** The newest first. */
  changes: RolloutEvent[];
  /** The last breach of a guardrail between these two profiles. */
  breach: RolloutEvent | undefined;
  evaluation: Evaluation | undefined;
}

/**
 * Reads the rollout at each call. The profiles' figures take the database 0.2 s with 50,000 searches, and are cached for ten
 * seconds. The reader returns undefined before `reembed init`.
 */
export function createRolloutReader(database: Database): () => Promise<RolloutOverview | undefined> {
  let kept: { until: number; version: number; windows: RolloutOverview["windows"] } | undefined;
  return async () => {
    const rollout = await findRollout(database);
    if (rollout === undefined) return undefined;
    if (kept === undefined || kept.version !== rollout.version || performance.now() > kept.until) {
      const windows = await readWindows(database, rollout);
      kept = { until: performance.now() + freshMs, version: rollout.version, windows };
    }
    return {
      rollout,
      baselineRetired: await isRetired(database, rollout.baseline),
      windows: kept.windows,
      changes: await readRolloutEvents(database, shownChanges),
      breach: await readLastBreach(database),
      evaluation: await lastEvaluation(database, rollout),
    };
  };
}

async function readWindows(
  database: Database,
  { baseline, candidate, stage }: Rollout,
): Promise<RolloutOverview["windows"]> {
  const options = { windowSeconds: 60 * windowMinutes, shadow: stage === "shadow" };
  const windows: RolloutOverview["windows"] = [];
  for (const profile of new Set([baseline, candidate])) {
    windows.push({ profile, window: await readGuardWindow(database, profile, options) });
  }
  return windows;
}
