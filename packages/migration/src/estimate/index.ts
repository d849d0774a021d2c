export { type DetailedEstimate, estimateBackfill } from "./estimate-backfill.ts";
