export { type Discovery, nameOf, withCommands } from "./adopt-command.ts";
export { type AdoptionReport, adoptTable } from "./adopt-table.ts";
export { type DiscoveredTable, discoverTables, type ProposedAdoption } from "./discover.ts";
export type { ProposedSource } from "./proposal.ts";
export { resolvePreset } from "./resolve-preset.ts";
export { inSchemaOf } from "./suggest-schema.ts";
