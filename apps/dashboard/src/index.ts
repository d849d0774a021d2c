export { type DashboardOptions, startDashboard } from "./dashboard.ts";
export { type ProfileStatus, readStatus } from "./status.ts";
