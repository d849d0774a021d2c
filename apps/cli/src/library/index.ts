// What an application imports from the package `reembed`.
export { ReembedError } from "@reembed/core";
export type { Answer, Migration, OpenOptions, Query, Result } from "./migration.ts";
export { openMigration } from "./open-migration.ts";
