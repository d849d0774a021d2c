export { limitSpending } from "./limit-spending.ts";
export { isSpentBudget, type SpendingMeter, startSpendingMeter } from "./spending-meter.ts";
