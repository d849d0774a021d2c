import type { GuardWindow, Rollout } from "@reembed/core";
import {
  type Database,
  type Evaluation,
  findRollout,
  isRetired,
  lastEvaluation,
  type RolloutEvent,
  readGuardWindow,
  readLastBreach,
  readRolloutEvents,
} from "@reembed/store";

/** The window of the profiles' figures. */
export const windowMinutes = 10;
const shownChanges = 5;
const freshMs = 10_000;

/** Who is answered by which profile, how well, and who decided that. */
export interface RolloutOverview {
  rollout: Rollout;
  /** By `reembed finalize`: there is no way back. */
  baselineRetired: boolean;
  /** Of the last ten minutes. */
  windows: { profile: string; window: GuardWindow }[];
  /** The newest first. */
  changes: RolloutEvent[];
  /** The last time that a guardrail spoke, between these two profiles. */
  breach: RolloutEvent | undefined;
  evaluation: Evaluation | undefined;
}

/**
 * Reads who is answered by which profile, anew at each call but for the profiles' figures: these cost the database 0.2 s
 * at 50,000 searches, and are ten seconds old at most. The reader gives undefined before `reembed init`.
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
