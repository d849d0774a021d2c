import type { Rollout } from "@reembed/core";
import type { Database } from "@reembed/store/database";
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
const freshMs = 5_000;

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
  });
}

/** Coverage takes a large database a second, and is read every five seconds at the most. */
export function createStagesReader(database: Database, guard: GuardOptions): () => Promise<Stages | undefined> {
  let kept: { until: number; stages: Stages | undefined } | undefined;
  return async () => {
    if (kept === undefined || performance.now() > kept.until) {
      kept = { stages: await readStages(database, guard), until: performance.now() + freshMs };
    }
    return kept.stages;
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
