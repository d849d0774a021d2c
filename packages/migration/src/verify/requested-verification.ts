import { formatCount, ReembedError } from "@reembed/core";
import { type Embedder, keepOpen } from "@reembed/embedder";
import type { Database } from "@reembed/store/database";
import type { Decision } from "@reembed/store/operators";
import { type RegisteredProfile, readProfile } from "@reembed/store/profiles";
import { readLiveWorkers } from "@reembed/store/progress";
import { recordVerification } from "@reembed/store/verification";
import { describeIncomplete } from "../backfill/incomplete.ts";
import { askFor, type Performing } from "../tasks/index.ts";
import { cosineBars } from "./compare-vectors.ts";
import { describeVerdict } from "./describe-verdict.ts";
import { notProven } from "./remedy.ts";
import { defaultVerification, verifyProfile } from "./verify-profile.ts";

/**
 * Asks for a verification, which a worker of the profile then makes: it has the model.
 * @throws ReembedError `backfill_incomplete`, `no_worker`, or `task_open` if something was asked for already (exit code 3).
 */
export async function requestVerification(
  database: Database,
  profile: RegisteredProfile,
  decision: Decision,
): Promise<void> {
  const incomplete = describeIncomplete(profile);
  if (incomplete !== undefined) {
    throw new ReembedError("backfill_incomplete", incomplete, { exitCode: 3, remedy: "Wait until it is complete." });
  }
  const nobody = await describeNoWorker(database, profile);
  if (nobody !== undefined) {
    const remedy = `Start one with \`reembed worker --profile ${profile.name}\`, or run \`reembed verify\`.`;
    throw new ReembedError("no_worker", nobody, { exitCode: 3, remedy });
  }
  await askFor(database, { kind: "verification", profile: profile.name }, decision);
}

/** That nobody could verify a profile, as a sentence; undefined if one of its workers can. */
export async function describeNoWorker(
  database: Database,
  { name }: Pick<RegisteredProfile, "name">,
): Promise<string | undefined> {
  const workers = await readLiveWorkers(database);
  return workers.some(({ profile }) => profile === name) ? undefined : `No worker of ${name} is running.`;
}

export interface RequestedVerification extends Performing {
  /** The profile's model, which stays open. */
  embedder: Embedder;
  maxQuarantinedShare: number;
  tickMs: number;
}

/**
 * Verifies as much as `reembed verify` does without options, with the worker's own model, and records it. Returns the verdict
 * in words.
 * @throws ReembedError `not_proven`.
 */
export async function verifyAsRequested(
  database: Database,
  name: string,
  { embedder, maxQuarantinedShare, tickMs, onSays, signal }: RequestedVerification,
): Promise<string> {
  const report = await verifyProfile({
    ...{ database, profile: await readProfile(database, name), maxQuarantinedShare },
    startEmbedder: async () => keepOpen(embedder),
    sample: defaultVerification.sample,
    bars: cosineBars(defaultVerification.minCosine),
    onProgress: (stage, done) => {
      signal.throwIfAborted();
      onSays(stage === "check" ? `${formatCount(done)} chunks checked` : `${formatCount(done)} texts embedded again`);
    },
  });
  await recordVerification(database, { profile: name, passed: report.passed, report: { ...report } });
  if (!report.passed) throw notProven(report, database, tickMs);
  return describeVerdict(report).replace(/\.$/, "");
}
