export { type Need, needs, type UninstallReport, uninstall } from "./uninstall.ts";
