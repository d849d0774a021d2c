import {
  type Coverage,
  type Database,
  lastVerification,
  type RegisteredProfile,
  readAnnIndex,
  readCoverage,
  readLiveWorkers,
  readProfile,
} from "@reembed/store";

/** Whether a profile could serve everybody now: what `reembed rollout status` shows of the baseline and the candidate. */
export interface Readiness extends Coverage {
  profile: string;
  state: string;
  /** Workers that are alive; without one its changes wait. */
  workers: number;
  /** Null without one; searches take it when it is valid and was measured, and look at every vector otherwise. */
  index: { kind: string; valid: boolean; measured: boolean; sizeBytes: number } | null;
  /** The last `reembed verify`; null when it has never run. */
  verification: { passed: boolean; at: Date } | null;
}

export async function readReadiness(database: Database, name: string): Promise<Readiness> {
  const profile = await readProfile(database, name);
  const { state } = profile;
  if (state === "retired") {
    return { profile: name, state, ...nothing, workers: 0, index: null, verification: null };
  }
  const workers = (await readLiveWorkers(database)).filter((worker) => worker.profile === name).length;
  const verification = await lastVerification(database, profile);
  return {
    profile: name,
    state,
    ...(await readCoverage(database, profile)),
    workers,
    index: await readIndex(database, profile),
    verification: verification === undefined ? null : { passed: verification.passed, at: verification.verifiedAt },
  };
}

async function readIndex(database: Database, profile: RegisteredProfile): Promise<Readiness["index"]> {
  const { exists, kind, valid, sizeBytes } = await readAnnIndex(database, profile);
  return exists && kind !== null ? { kind, valid, measured: profile.ann !== null, sizeBytes } : null;
}

const nothing: Coverage = {
  ...{ chunks: 0, embedded: 0, pending: 0, changes: 0, quarantined: 0, coverage: 0 },
  oldestChangeSeconds: null,
};
