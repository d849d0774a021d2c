export { startDashboard } from "./dashboard.ts";
export { resolveListenAddress } from "./listen-address.ts";
