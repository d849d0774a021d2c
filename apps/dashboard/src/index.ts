export { type DashboardOptions, startDashboard } from "./dashboard.ts";
export { resolveListenAddress } from "./listen-address.ts";
export { formatDuration } from "./overview/format.ts";
export { type ProfileStatus, readStatus } from "./status.ts";
