export { type RolloutDecision, rollBack, setPercent, setShadowPercent } from "./change-share.ts";
export { guardOptions, type RolloutConfig } from "./evidence.ts";
export { type GuardOptions, type Proof, proofs } from "./objections.ts";
export { createRolloutReader, type RolloutOverview, windowMinutes } from "./rollout-overview.ts";
export { type RolloutStatus, readRolloutStatus } from "./rollout-status.ts";
