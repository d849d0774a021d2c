export {
  type BackfillQueue,
  continueBackfill,
  enqueue,
  readWaitingBackfill,
  withdrawBackfill,
} from "./backfill-queue.ts";
export { describeIncomplete } from "./incomplete.ts";
export { describeNextStep } from "./next-step.ts";
export {
  beginBackfill,
  describeBackfillSettings,
  describeRateLimit,
  pauseBackfill,
  resumeBackfill,
  startOrAdjustBackfill,
} from "./operate-backfill.ts";
export { reopenIncompleteBackfill } from "./reopen-backfill.ts";
