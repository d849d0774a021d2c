import {
  type GuardFigure,
  type GuardrailSettings,
  type GuardWindow,
  measureGuardrails,
  type Rollout,
} from "@reembed/core";
import { type Followed, presentValue } from "@reembed/runtime";
import type { Database } from "@reembed/store/database";
import { type Evaluation, lastEvaluation } from "@reembed/store/evaluation";
import {
  findRollout,
  isRetired,
  type RolloutEvent,
  readComparedWindows,
  readGuardWindow,
  readLastBreach,
  readRolloutEvents,
} from "@reembed/store/rollout";

/** The window of the profiles' figures. */
export const windowMinutes = 10;
const shownChanges = 5;
const freshMs = 10_000;

/** What takes the database long to read. */
interface Figures {
  /** Figures of the last ten minutes. */
  windows: { profile: string; window: GuardWindow }[];
  /** What the guardrails measure; empty while nobody gets the candidate's answers, or too few do. */
  guardrails: GuardFigure[];
}

/** Which profile answers whom, how well, and who decided that. */
export interface RolloutOverview extends Figures {
  rollout: Rollout;
  /** Whether `reembed finalize` has retired the baseline, so that there is no way back. */
  baselineRetired: boolean;
  /** The newest first. */
  changes: RolloutEvent[];
  /** The last breach of a guardrail between these two profiles. */
  breach: RolloutEvent | undefined;
  evaluation: Evaluation | undefined;
}

/**
 * Reads the rollout at each call. The profiles' figures take the database some tenths of a second with 50,000 searches, and are cached for ten
 * seconds. The reader returns undefined before `reembed init`.
 */
export function createRolloutReader(
  database: Database,
  settings: Followed<GuardrailSettings>,
): () => Promise<RolloutOverview | undefined> {
  let kept: { until: number; version: number; figures: Figures } | undefined;
  return async () => {
    const rollout = await findRollout(database);
    if (rollout === undefined) return undefined;
    if (kept === undefined || kept.version !== rollout.version || performance.now() > kept.until) {
      const figures = await readFigures(database, rollout, await presentValue(settings));
      kept = { until: performance.now() + freshMs, version: rollout.version, figures };
    }
    return {
      rollout,
      baselineRetired: await isRetired(database, rollout.baseline),
      ...kept.figures,
      changes: await readRolloutEvents(database, shownChanges),
      breach: await readLastBreach(database),
      evaluation: await lastEvaluation(database, rollout),
    };
  };
}

async function readFigures(database: Database, rollout: Rollout, settings: GuardrailSettings): Promise<Figures> {
  const compared = await readComparedWindows(database, rollout, settings);
  return {
    windows: await readWindows(database, rollout),
    guardrails: compared === undefined ? [] : measureGuardrails(compared.candidate, compared.baseline, settings),
  };
}

async function readWindows(database: Database, { baseline, candidate, stage }: Rollout): Promise<Figures["windows"]> {
  const options = { windowSeconds: 60 * windowMinutes, shadow: stage === "shadow" };
  const windows: Figures["windows"] = [];
  for (const profile of new Set([baseline, candidate])) {
    windows.push({ profile, window: await readGuardWindow(database, profile, options) });
  }
  return windows;
}
