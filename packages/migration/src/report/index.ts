export type { MigrationReport, ReportedProfile } from "./migration-report.ts";
export { readReport } from "./read-report.ts";
