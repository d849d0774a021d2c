export {
  type ReplicationFacts,
  readClockAhead,
  readDatabaseTime,
  readReplication,
  readServerFacts,
  type ServerFacts,
} from "./diagnosis.ts";
export {
  countOrphans,
  readTextFacts,
  readVectorFacts,
  type SampledRows,
  type TextFacts,
  type VectorFacts,
} from "./diagnosis-corpus.ts";
export { hasIndexOn, type IndexFacts, readAnnIndexes, readTableBytes } from "./diagnosis-indexes.ts";
export { type RightsFacts, readMissingRights, readRights } from "./diagnosis-rights.ts";
export { readTriggerFacts, type TriggerFacts } from "./diagnosis-triggers.ts";
export { describeWrongClock, followDatabaseClock, readWrongClocks, type WrongClock } from "./host-clock.ts";
