export {
  addNewColumn,
  buildNewIndexes,
  countWithoutOld,
  exchangeColumns,
  requireVectors,
  undoExchange,
} from "./columns.ts";
export { countUnfilled, fillBlock, fillWithZeros } from "./fill.ts";
export { isHandedOver } from "./handed-over.ts";
export { type HandOverPlan, planHandOver } from "./plan.ts";
