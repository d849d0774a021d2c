export { type LogBacklog, readLogBacklog, takeChanges } from "./change-log.ts";
export {
  countAttempt,
  markChangesEnqueued,
  readDueChanges,
  readDuePrioritisedChunks,
  readLongestWait,
} from "./changes.ts";
export { checkAllRows } from "./failing-rows.ts";
export { hasGapsInHand, recordGaps } from "./gaps.ts";
export { forgetPriorities, prioritiseSearchedChunks } from "./prioritised-chunks.ts";
export { sweepBlock, sweptPerTick } from "./sweep.ts";
