import { isUnknownModel } from "@reembed/core";
import type { Database } from "@reembed/store/database";
import { type RegisteredProfile, readProfile } from "@reembed/store/profiles";
import { type Coverage, readCoverage, readLiveWorkers, readQuarantineReasons } from "@reembed/store/progress";
import { readAnnIndex } from "@reembed/store/search";
import { lastVerification } from "@reembed/store/verification";

type ReadyIndex = { kind: string; valid: boolean; sizeBytes: number } & (
  | { measured: false }
  | { measured: true; recall10: number; targetRecall: number; measuredAt: string }
);

/** Whether a profile could answer everybody now, as `reembed rollout status` shows it for baseline and candidate. */
export interface Readiness extends Coverage {
  profile: string;
  state: string;
  /** Whether its vectors were adopted as they are, without a model: then the application alone keeps and searches them. */
  asIs: boolean;
  /** Whether an operator has paused its backfill. */
  paused: boolean;
  /** Number of running workers; without one, changes wait. */
  workers: number;
  /** Null without an index. Searches use it if it is valid and measured, and otherwise compare every vector. */
  index: ReadyIndex | null;
  /** Its quarantine by reason, the most frequent first. */
  reasons: { reason: string; chunks: number }[];
  /** The last `reembed verify`; null if it has never run. */
  verification: { passed: boolean; at: Date } | null;
}

export async function readReadiness(database: Database, name: string): Promise<Readiness> {
  const profile = await readProfile(database, name);
  const { state } = profile;
  const asIs = isUnknownModel(profile.model);
  if (state === "retired") {
    return {
      profile: name,
      state,
      asIs,
      paused: false,
      ...nothing,
      workers: 0,
      index: null,
      reasons: [],
      verification: null,
    };
  }
  const workers = (await readLiveWorkers(database)).filter((worker) => worker.profile === name).length;
  const verification = await lastVerification(database, profile);
  return {
    profile: name,
    state,
    asIs,
    paused: profile.paused,
    ...(await readCoverage(database, profile)),
    workers,
    index: await readIndex(database, profile),
    reasons: await readQuarantineReasons(database, profile),
    verification: verification === undefined ? null : { passed: verification.passed, at: verification.verifiedAt },
  };
}

async function readIndex(database: Database, profile: RegisteredProfile): Promise<Readiness["index"]> {
  const { exists, kind, valid, sizeBytes } = await readAnnIndex(database, profile);
  if (!exists || kind === null) return null;
  const { ann } = profile;
  if (ann === null) return { kind, valid, sizeBytes, measured: false };
  const { recall10, targetRecall, measuredAt } = ann;
  return { kind, valid, sizeBytes, measured: true, recall10, targetRecall, measuredAt };
}

const nothing: Coverage = {
  ...{ chunks: 0, embedded: 0, pending: 0, changes: 0, outdated: 0, quarantined: 0, coverage: 0 },
  oldestChangeSeconds: null,
};
