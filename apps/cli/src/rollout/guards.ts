import { formatDuration } from "@reembed/dashboard/format";
import type { Evaluation } from "@reembed/store";
import { formatCount, formatShare } from "../output.ts";
import type { Readiness } from "./readiness.ts";

/** What a greater share of the candidate rests on. Each can be overruled by its name. */
export const proofs = ["baseline", "coverage", "quarantine", "index", "verification", "evaluation"] as const;
export type Proof = (typeof proofs)[number];

/** A proof that is missing or has failed, in a sentence. */
export interface Objection {
  proof: Proof;
  says: string;
}

export interface Evidence {
  baseline: Readiness;
  candidate: Readiness;
  evaluation: Pick<Evaluation, "verdict" | "evaluatedAt"> | undefined;
  /** Searches of the baseline that the candidate has answered unseen. */
  shadowed: number;
}

export interface GuardOptions {
  /** The embedded database searches exactly. */
  embedded: boolean;
  maxQuarantinedShare: number;
  /** Shadowed searches that say something where nobody has judged. */
  leastSearches: number;
}

const leastCoverage = 0.999;
/** A live corpus always has changes in flight: so many chunks may be new, for so long. */
const inFlight = { share: 0.01, seconds: 600 } as const;
/**
 * Chunks that may be searched without an index. Of 1,024 dimensions they take 40 MB and some 20 ms of one core; the
 * embedded database, which builds no index, is for as many.
 */
const exactChunks = 20_000;

/** Why the candidate may not get a greater share; empty when it may. A missing proof counts as one that failed. */
export function findObjections(evidence: Evidence, options: GuardOptions): Objection[] {
  const { baseline, candidate } = evidence;
  const found: Record<Proof, string | null> = {
    baseline: describeGap(baseline, "the way back leads to it"),
    coverage: describeGap(candidate, "99.9 % are needed"),
    quarantine: describeQuarantine(candidate, options),
    index: options.embedded ? null : describeIndex(candidate),
    verification: describeVerification(candidate),
    evaluation: describeEvaluation(evidence, options),
  };
  return proofs.flatMap((proof) => (found[proof] === null ? [] : [{ proof, says: found[proof] }]));
}

function describeGap(readiness: Readiness, why: string): string | null {
  const { profile, state, chunks, embedded, outdated, changes, quarantined, oldestChangeSeconds } = readiness;
  if (state === "retired") return null;
  const embeddable = chunks - quarantined;
  const fresh = oldestChangeSeconds === null || oldestChangeSeconds < inFlight.seconds;
  // A chunk that was edited is found by its older text until then, and a new one by nothing.
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
  return `${formatShare(quarantined / chunks)} of the chunks of ${profile} are in quarantine (${told}); ${formatShare(maxQuarantinedShare)} may be, by MAX_QUARANTINED_SHARE: reembed quarantine list.`;
}

function describeIndex({ profile, chunks, index }: Readiness): string | null {
  if (index?.valid && index.measured && index.recall10 < index.targetRecall) {
    return `The index of ${profile} finds ${index.recall10} of the ten nearest, and not ${index.targetRecall}: reembed index build.`;
  }
  if (chunks <= exactChunks || (index?.valid && index.measured)) return null;
  return `${profile} has no ANN index that is valid and measured; more than ${formatCount(exactChunks)} chunks are not searched without: reembed index build.`;
}

function describeVerification({ profile, verification }: Readiness): string | null {
  if (verification === null) return `${profile} was never verified: reembed verify.`;
  return verification.passed ? null : `The last verification of ${profile} failed: reembed verify.`;
}

/** A judgement, or as many shadowed searches as a guardrail needs to say anything. */
function describeEvaluation(
  { baseline, candidate, evaluation, shadowed }: Evidence,
  { leastSearches }: GuardOptions,
): string | null {
  if (evaluation?.verdict === "worse") {
    return `The last evaluation found ${candidate.profile} worse than the baseline: reembed evaluate.`;
  }
  const judged = evaluation !== undefined && evaluation.verdict !== "unjudged";
  if (judged || shadowed >= leastSearches) return null;
  return `Nobody has judged ${candidate.profile} against ${baseline.profile}, and it answered ${formatCount(shadowed)} searches in shadow, of ${formatCount(leastSearches)} that would say something: reembed evaluate, or reembed rollout shadow.`;
}
