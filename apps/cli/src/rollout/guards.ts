import type { Evaluation } from "@reembed/store";
import { formatCount, formatShare } from "../output.ts";
import type { Readiness } from "./readiness.ts";

const leastCoverage = 0.999;
/**
 * Chunks that may be searched without an index. Of 1,024 dimensions they take 40 MB and some 20 ms of one core; the
 * embedded database, which builds no index, is for as many.
 */
const exactChunks = 20_000;

export interface GuardOptions {
  /** The embedded database searches exactly. */
  embedded: boolean;
}

/** Why the candidate may not get a greater share, each as a sentence; empty when it may. */
export function findObjections(
  { profile, chunks, coverage, index, verification }: Readiness,
  evaluation: Pick<Evaluation, "verdict" | "evaluatedAt"> | undefined,
  { embedded }: GuardOptions,
): string[] {
  const objections: string[] = [];
  if (coverage < leastCoverage) {
    objections.push(`${profile} has vectors of ${formatShare(coverage)} of its chunks; 99.9 % are needed.`);
  }
  if (!embedded && chunks > exactChunks && !(index?.valid && index.measured)) {
    objections.push(
      `${profile} has no ANN index that is valid and measured; more than ${formatCount(exactChunks)} chunks are not searched without: reembed index build.`,
    );
  }
  if (verification?.passed === false) {
    objections.push(`The last verification of ${profile} failed: reembed verify.`);
  }
  if (evaluation?.verdict === "worse") {
    objections.push(`The last evaluation found ${profile} worse than the baseline: reembed evaluate.`);
  }
  return objections;
}
