export { startDashboard } from "./dashboard.ts";
export { resolveListenAddress } from "./listen-address.ts";
export { renderStageList } from "./overview/render-stages.ts";
