import { parentPort, workerData } from "node:worker_threads";
import { openStages, runSequences, type SequencesOptions, type Stages } from "./run-sequences.ts";

/** One after another in each lane; several lanes, because each waits for PostgreSQL most of the time. */
export interface Lane {
  connectionStrings: Parameters<typeof openStages>[0];
  options: SequencesOptions;
}

async function run({ connectionStrings, options }: Lane) {
  await using stages: Stages = await openStages(connectionStrings);
  return await runSequences(stages, options);
}

parentPort?.postMessage(await Promise.all((workerData as Lane[]).map(run)));
