export { type OperatorChange, readOperatorChanges, readSetValues, recordChange } from "./operator-changes.ts";
