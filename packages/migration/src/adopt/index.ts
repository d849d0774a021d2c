export { type AdoptionReport, adoptTable } from "./adopt-table.ts";
