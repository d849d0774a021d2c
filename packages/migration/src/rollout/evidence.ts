import type { Config } from "@reembed/config";
import type { Rollout } from "@reembed/core";
import type { Database } from "@reembed/store/database";
import { type Evaluation, lastEvaluation } from "@reembed/store/evaluation";
import { countShadowed } from "@reembed/store/search";
import type { Evidence, GuardOptions } from "./objections.ts";
import { readReadiness } from "./readiness.ts";

/** The part of the environment by which a share is decided. */
export type RolloutConfig = Pick<
  Config,
  "baseline" | "candidate" | "databaseUrl" | "maxQuarantinedShare" | "guardrails"
>;

export interface ReadEvidence extends Evidence {
  evaluation: Evaluation | undefined;
}

/** Everything by which a greater share of the candidate is judged. */
export async function readEvidence(database: Database, rollout: Rollout): Promise<ReadEvidence> {
  return {
    baseline: await readReadiness(database, rollout.baseline),
    candidate: await readReadiness(database, rollout.candidate),
    evaluation: await lastEvaluation(database, rollout),
    shadowed: await countShadowed(database, rollout),
  };
}

export function guardOptions(config: Pick<Config, "databaseUrl" | "maxQuarantinedShare" | "guardrails">): GuardOptions {
  return {
    embedded: config.databaseUrl === undefined,
    maxQuarantinedShare: config.maxQuarantinedShare,
    leastSearches: config.guardrails.leastSearches,
  };
}
