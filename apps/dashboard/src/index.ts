export { type DashboardOptions, startDashboard } from "./dashboard.ts";
export { resolveListenAddress } from "./listen-address.ts";
export { type ProfileStatus, readStatus } from "./status.ts";
