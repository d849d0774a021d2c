import { applicationTables } from "./application-tables.ts";
import type { FrameworkTable } from "./framework-table.ts";
import { guideTables } from "./guide-tables.ts";
import { langchainTables } from "./langchain-tables.ts";
import { pythonAndJavaTables } from "./python-java-tables.ts";

export { embedFor, fillTable, runAll, someChunks } from "./fill-table.ts";
export type { FrameworkChunk, FrameworkTable } from "./framework-table.ts";
export { frameworkLibraries, librariesMissing, runLibrary, searchByLangchainJs } from "./libraries/index.ts";

/** The tables of the frameworks for which there are presets. Some have the same name, so each wants a database. */
export const frameworkTables: readonly FrameworkTable[] = [
  ...langchainTables,
  ...pythonAndJavaTables,
  ...applicationTables,
  ...guideTables,
];
