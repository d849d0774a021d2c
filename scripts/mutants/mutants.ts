import { joinMutants } from "./mutant.ts";
import { ofTheBackfill } from "./of-the-backfill.ts";
import { ofTheGuard } from "./of-the-guard.ts";
import { ofTheWorker } from "./of-the-worker.ts";

/**
 * `npm run mutants` puts each one by itself into a copy of the code, and fails if one is not noticed: then no test would
 * prevent that fault.
 */
export const mutants = joinMutants(ofTheBackfill, ofTheGuard, ofTheWorker);
