export {
  type ApiToken,
  addToken,
  endToken,
  findToken,
  readTokens,
  touchToken,
} from "./api-tokens.ts";
export {
  type Decision,
  type OperatorChange,
  readOperatorChanges,
  readSetValues,
  recordChange,
} from "./operator-changes.ts";
export {
  claimTask,
  endTask,
  type NewTask,
  readLastTask,
  reportTask,
  requestTask,
  type Task,
  type TaskKind,
  type TaskState,
} from "./tasks.ts";
