export type { AdoptionEstimate } from "./estimate-adoption.ts";
export type { MigrationPlan, PlannedAdoption, PlannedTable } from "./plan.ts";
export { planMigration } from "./plan-migration.ts";
