export { describeStages } from "./describe-stages.ts";
export { createStagesReader, readStages, type StagesReader } from "./read-stages.ts";
export type { Stage, StageName, Stages } from "./stage.ts";
export {
  describeBacklog,
  describeSpending,
  describeWaiting,
  describeWaits,
  type ProfileStatus,
  readStatus,
} from "./status.ts";
