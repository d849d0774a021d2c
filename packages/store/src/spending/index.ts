export { addSpending, readSpending, reserveSpending, type Spending, setBudget } from "./spending.ts";
