import type { Rollout } from "@reembed/core";
import { type Followed, presentValue } from "@reembed/runtime";
import type { Database } from "@reembed/store/database";
import { isHandedOver } from "@reembed/store/hand-over";
import { readLastTask } from "@reembed/store/operators";
import { findProfileNames, type RegisteredProfile, readProfile } from "@reembed/store/profiles";
import { hasUncutDocuments, readMilestones } from "@reembed/store/progress";
import { findRollout, readPairEvents } from "@reembed/store/rollout";
import { findReasonsToWait } from "../finalize/finalize.ts";
import { type ReadEvidence, readEvidence } from "../rollout/evidence.ts";
import { findObjections, type GuardOptions } from "../rollout/objections.ts";
import type { StageFacts, Stages } from "./stage.ts";
import { deriveStages } from "./stages.ts";

/** As `reembed finalize` does by default. */
const keepDays = 7;
/** Older stages are not shown: whoever asks waits for the present ones, and gets the error if they cannot be read. */
const shownForMs = 60_000;

/** Undefined before `reembed init`, and if there is no other profile to migrate to. */
export async function readStages(database: Database, guard: GuardOptions): Promise<Stages | undefined> {
  const rollout = await findRollout(database);
  if (rollout === undefined || rollout.baseline === rollout.candidate) return undefined;
  if (!(await areRegistered(database, [rollout.baseline, rollout.candidate]))) return undefined;
  const evidence = await readEvidence(database, rollout);
  const candidate = await readProfile(database, rollout.candidate);
  return deriveStages({
    rollout,
    evidence,
    objections: findObjections(evidence, guard),
    milestones: await readMilestones(database, rollout),
    events: await readPairEvents(database),
    chunks: await chunksOf(database, { rollout, candidate, evidence }),
    chunking: candidate.chunking,
    waits: rollout.stage === "full" ? await findReasonsToWait(database, rollout, keepDays) : [],
    handedOver: rollout.stage === "full" && (await isHandedOver(database)),
  });
}

export interface StagesReader {
  /**
   * The stages as they were at most some seconds ago. The present ones, if the rollout has changed since, or what a page has
   * asked for has ended.
   */
  read(): Promise<Stages | undefined>;
  /** Has the next `read` wait for the present stages, after something was changed that leads to another one. */
  refresh(): void;
}

/**
 * Coverage takes a large database a second or more, and is read every five seconds at the most. Meanwhile the last stages are
 * the answer, so that nobody who asks waits for it but the first.
 */
export function createStagesReader(
  database: Database,
  guard: Followed<GuardOptions>,
  { freshMs = 5_000 }: { freshMs?: number } = {},
): StagesReader {
  let kept: { readAt: number; version: string; stages: Stages | undefined } | undefined;
  let reading: Promise<Stages | undefined> | undefined;
  const begin = (version: string) => {
    const begun = presentValue(guard)
      .then((options) => readStages(database, options))
      .then((stages) => {
        // After a `refresh` these stages may be of the time before it.
        if (reading === begun) kept = { readAt: performance.now(), version, stages };
        return stages;
      })
      .finally(() => {
        if (reading === begun) reading = undefined;
      });
    reading = begun;
    return begun;
  };
  return {
    async read() {
      const version = await readVersion(database);
      const ageMs = performance.now() - (kept?.readAt ?? Number.NEGATIVE_INFINITY);
      if (kept?.version !== version || ageMs > shownForMs) return await (reading ?? begin(version));
      if (ageMs > freshMs) (reading ?? begin(version)).catch(() => undefined);
      return kept?.stages;
    },
    refresh() {
      kept = undefined;
      reading = undefined;
    },
  };
}

/** An `init` that was interrupted has stored the pair and not yet its profiles. */
async function areRegistered(database: Database, names: readonly string[]): Promise<boolean> {
  const found = await findProfileNames(database, names);
  return names.every((name) => found.includes(name));
}

async function chunksOf(
  database: Database,
  { rollout, candidate, evidence }: { rollout: Rollout; candidate: RegisteredProfile; evidence: ReadEvidence },
): Promise<StageFacts["chunks"]> {
  const baseline = await readProfile(database, rollout.baseline);
  if (baseline.chunking === candidate.chunking) return "kept";
  const { chunks, embedded } = evidence.candidate;
  if (chunks === 0) return "uncut";
  // Every document is looked up, which is not repeated once embedding goes on.
  return embedded === 0 && (await hasUncutDocuments(database, candidate)) ? "uncut" : "cut";
}

/** Differs after everything that must be seen at once. */
async function readVersion(database: Database): Promise<string> {
  const rollout = await findRollout(database);
  const task = await readLastTask(database);
  return `${rollout?.version} ${task?.id} ${task?.endedAt?.toISOString()}`;
}
