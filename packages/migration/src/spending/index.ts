export { limitSpending } from "./limit-spending.ts";
export { type SpendingMeter, startSpendingMeter } from "./spending-meter.ts";
