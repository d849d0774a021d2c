export type { Adjustable } from "@reembed/config";
export { findAdjustable, followSettings, listSettings, readSettings, type Setting, setSetting } from "./settings.ts";
