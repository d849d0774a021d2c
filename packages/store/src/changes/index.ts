export { takeChanges } from "./change-log.ts";
export {
  countAttempt,
  hasGapsInHand,
  markChangesEnqueued,
  readDueChanges,
  readDuePrioritisedChunks,
  recordGaps,
} from "./changes.ts";
export { forgetPriorities, prioritiseSearchedChunks } from "./prioritised-chunks.ts";
export { sweepBlock } from "./sweep.ts";
