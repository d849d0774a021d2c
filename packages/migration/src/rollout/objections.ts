import { formatCount, formatDuration, formatShare, leastCoverage } from "@reembed/core";
import type { Evaluation } from "@reembed/store/evaluation";
import type { Readiness } from "./readiness.ts";

/** The proofs that a greater share of the candidate needs. Each can be overruled by its name. */
export const proofs = ["baseline", "coverage", "quarantine", "index", "verification", "evaluation"] as const;
export type Proof = (typeof proofs)[number];

/** A proof that is missing or has failed, with a sentence about it. */
export interface Objection {
  proof: Proof;
  says: string;
}

export interface Evidence {
  baseline: Readiness;
  candidate: Readiness;
  evaluation: Pick<Evaluation, "verdict" | "evaluatedAt"> | undefined;
  /** Number of the baseline's searches that the candidate answered unseen. */
  shadowed: number;
}

export interface GuardOptions {
  /** Whether the database is the embedded one, which searches exactly. */
  embedded: boolean;
  maxQuarantinedShare: number;
  /** Number of shadowed searches that are enough if there is no evaluation. */
  leastSearches: number;
}
/** A live corpus always has changes in flight: this share of chunks may be new, for this long. */
const inFlight = { share: 0.01, seconds: 600 } as const;
/**
 * Maximum number of chunks that may be searched without an index. With 1,024 dimensions they take 40 MB and about 20 ms of
 * one core. The embedded database, which has no index, is meant for as many.
 */
const exactChunks = 20_000;

/** The objections to a greater share of the candidate; empty if there are none. A missing proof counts as failed. */
export function findObjections(evidence: Evidence, options: GuardOptions): Objection[] {
  const { baseline, candidate } = evidence;
  const found: Record<Proof, string | null> = {
    baseline: describeGap(baseline, "a rollback needs them"),
    coverage: describeGap(candidate, "it needs 99.9 %"),
    quarantine: describeQuarantine(candidate, options),
    index: options.embedded ? null : describeIndex(candidate),
    verification: describeVerification(candidate),
    evaluation: describeEvaluation(evidence, options),
  };
  return proofs.flatMap((proof) => (found[proof] === null ? [] : [{ proof, says: found[proof] }]));
}

function describeGap(readiness: Readiness, why: string): string | null {
  const { profile, state, asIs, chunks, embedded, outdated, changes, quarantined, oldestChangeSeconds } = readiness;
  // The way back to vectors that were adopted as they are is the application's own column.
  if (state === "retired" || asIs) return null;
  const embeddable = chunks - quarantined;
  const fresh = oldestChangeSeconds === null || oldestChangeSeconds < inFlight.seconds;
  // Until it is embedded, an edited chunk is found by its older text, but a new chunk is not found at all.
  const added = Math.min(changes - outdated, Math.floor(inFlight.share * embeddable));
  if (embeddable > 0 && embedded + (fresh ? outdated + added : 0) >= leastCoverage * embeddable) return null;
  const share = embeddable === 0 ? "no chunks" : `vectors of ${formatShare(embedded / embeddable)} of its chunks`;
  const waiting =
    oldestChangeSeconds === null
      ? ""
      : ` ${formatCount(changes)} changes wait, the oldest for ${formatDuration(oldestChangeSeconds)}.`;
  return `${profile} has ${share}; ${why}.${waiting}`;
}

function describeQuarantine(readiness: Readiness, { maxQuarantinedShare }: GuardOptions): string | null {
  const { profile, chunks, quarantined, reasons } = readiness;
  if (quarantined <= maxQuarantinedShare * chunks) return null;
  const told = reasons.map(({ reason, chunks: count }) => `${reason} ${formatCount(count)}`).join(", ");
  return `${formatShare(quarantined / chunks)} of the chunks of ${profile} are in quarantine (${told}); MAX_QUARANTINED_SHARE allows ${formatShare(maxQuarantinedShare)}: see reembed quarantine list.`;
}

function describeIndex({ profile, chunks, index }: Readiness): string | null {
  if (index?.valid && index.measured && index.recall10 < index.targetRecall) {
    return `The index of ${profile} finds ${index.recall10} of the ten nearest; the target is ${index.targetRecall}: run reembed index build.`;
  }
  if (chunks <= exactChunks || (index?.valid && index.measured)) return null;
  return `${profile} has no ANN index that is valid and measured; more than ${formatCount(exactChunks)} chunks need one: run reembed index build.`;
}

/** Why the last `reembed verify` proves nothing; null when it proves that the profile is complete. */
export function describeVerification({
  profile,
  verification,
}: {
  profile: string;
  verification: { passed: boolean } | null;
}): string | null {
  if (verification === null) return `${profile} was never verified: run reembed verify.`;
  return verification.passed
    ? null
    : `The last verification of ${profile} failed: fix the problem and run reembed verify again.`;
}

/** Requires an evaluation, or as many shadowed searches as a guardrail needs. */
function describeEvaluation(
  { baseline, candidate, evaluation, shadowed }: Evidence,
  { leastSearches }: GuardOptions,
): string | null {
  if (evaluation?.verdict === "worse") {
    return `The last evaluation found ${candidate.profile} worse than the baseline (reembed evaluate).`;
  }
  if (baseline.asIs) {
    return `${baseline.profile} was adopted as it is, without a model, so nothing can be compared with it: overrule this proof once you have judged ${candidate.profile} by yourself.`;
  }
  const judged = evaluation !== undefined && evaluation.verdict !== "unjudged";
  if (judged || shadowed >= leastSearches) return null;
  const searches = `it answered ${formatCount(shadowed)} searches in shadow, but needs ${formatCount(leastSearches)}`;
  if (evaluation === undefined) {
    return `${candidate.profile} was never evaluated against ${baseline.profile}, and ${searches}: run reembed evaluate or reembed rollout shadow.`;
  }
  return `The last evaluation of ${candidate.profile} had no judgements, so it proves nothing, and ${searches}: grade what reembed evaluate --sheet writes, or run reembed rollout shadow while people search.`;
}
