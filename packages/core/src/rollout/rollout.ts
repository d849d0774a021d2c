import { ReembedError } from "../failures/errors.ts";

/**
 * `baseline`: the candidate answers nobody. `shadow`: it answers requests of the baseline too, but nobody sees that.
 * `canary`: it answers a share of subjects. `full`: it answers everybody. `rolled back`: it answers nobody any more,
 * until the rollout starts again.
 */
export type RolloutStage = "baseline" | "shadow" | "canary" | "full" | "rolled back";

/** Which profile answers whom. It changes only as a whole, by compare-and-set on its version. */
export interface Rollout {
  baseline: string;
  candidate: string;
  stage: RolloutStage;
  /** Share of subjects that the candidate answers, 0 to 100, in steps of 0.01. */
  percent: number;
  /** The share of the baseline's requests that the candidate also answers in shadow, in percent from 0 to 100. */
  shadowPercent: number;
  /** Part of the hash that puts subjects into buckets, so that two rollouts do not begin with the same people. */
  salt: string;
  version: number;
}

/** The number of buckets. A subject always falls into the same one; each bucket is 0.01 %. */
export const rolloutBuckets = 10_000;

/**
 * The profile that answers the subjects of a bucket, which is a number below `rolloutBuckets`. The candidate takes the
 * lowest buckets: a subject within its first 10 % is also within its first 50 %.
 */
export function servingProfile({ baseline, candidate, percent }: Rollout, bucket: number): string {
  return bucket < bucketsIn(percent) ? candidate : baseline;
}

/** Rounded, because 0.07 times 100 is slightly more than 7, and SQL and this function must agree on every bucket. */
function bucketsIn(percent: number): number {
  return Math.round((percent * rolloutBuckets) / 100);
}

/** The rollout with another share of subjects. At 100 % the baseline has no request left that could be shadowed. */
export function withPercent(rollout: Rollout, percent: number): Rollout {
  const shadowPercent = percent === 100 ? 0 : rollout.shadowPercent;
  return { ...rollout, percent, shadowPercent, stage: stageOf(percent, shadowPercent) };
}

/**
 * The rollout with another share of shadowed requests.
 * @throws ReembedError `rollout_full` (exit code 3) when the candidate serves everybody.
 */
export function withShadow(rollout: Rollout, shadowPercent: number): Rollout {
  if (rollout.percent === 100) {
    throw new ReembedError("rollout_full", `${rollout.candidate} serves everybody: no request is left to shadow.`, {
      exitCode: 3,
    });
  }
  return { ...rollout, shadowPercent, stage: stageOf(rollout.percent, shadowPercent) };
}

/** The rollout with everybody on the baseline, and no shadow. */
export function rolledBack(rollout: Rollout): Rollout {
  return { ...rollout, percent: 0, shadowPercent: 0, stage: "rolled back" };
}

function stageOf(percent: number, shadowPercent: number): RolloutStage {
  if (percent === 100) return "full";
  if (percent > 0) return "canary";
  return shadowPercent > 0 ? "shadow" : "baseline";
}
