export { type ComparedWindows, readComparedWindows } from "./compared-windows.ts";
export { readGuardWindow, readKeptWindow } from "./guard-window.ts";
export { isRetired, type Removal, readRemoval, removeRetired, retireBaseline } from "./retirement.ts";
export { changeRollout, findRollout, readRollout } from "./rollout.ts";
export { rolloutBucket } from "./rollout-bucket.ts";
export {
  environmentName,
  guardrailName,
  type RolloutEvent,
  readLastBreach,
  readPairEvents,
  readRolloutEvents,
  readStageEntry,
} from "./rollout-events.ts";
export { ensureRollout } from "./rollout-pair.ts";
