export {
  describeBacklog,
  describeSpending,
  describeWaiting,
  describeWaits,
  type ProfileStatus,
  readStatus,
} from "./status.ts";
