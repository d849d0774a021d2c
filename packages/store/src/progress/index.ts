export {
  type BackfillSettings,
  isBackfillDone,
  moveCursorBack,
  readNextChunks,
  setBackfillSettings,
  setPaused,
  setThrottleReason,
} from "./backfill.ts";
export { advanceCursor, completeBackfill, reopenBackfill, startBackfill } from "./backfill-state.ts";
export { chunkCount, findMiscount, type Miscount, recountBlocks, vectorCount } from "./block-counts.ts";
export { type Coverage, countCoverage, countLost, readCoverage, readQuarantineReasons } from "./coverage.ts";
export {
  type Estimate,
  hasUncutDocuments,
  readChunkTotals,
  readDocumentTotals,
  recordEstimate,
  sampleAdopted,
  sampleBodies,
} from "./estimates.ts";
export { type Milestones, readMilestones } from "./milestones.ts";
export {
  addThroughput,
  type Course,
  type MinuteOfWork,
  readCourse,
  readThroughput,
  readWork,
  type Work,
} from "./throughput.ts";
export { type LiveWorker, readLiveWorkers, recordHeartbeat, removeHeartbeat } from "./workers.ts";
