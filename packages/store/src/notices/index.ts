export { type NoticeFacts, type ProfileFacts, readFacts } from "./facts.ts";
export {
  type Condition,
  claimNotice,
  type DueNotice,
  lockNotices,
  markDelivered,
  markFailed,
  readUndelivered,
  recordConditions,
  type Undelivered,
} from "./notices.ts";
