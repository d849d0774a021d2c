import { parentPort, workerData } from "node:worker_threads";
import { createDatabase } from "@reembed/testing";
import { openStages, runSequences, type SequencesOptions } from "./run-sequences.ts";

const { connectionString, options } = workerData as { connectionString: string; options: SequencesOptions };
await using stages = await openStages(() => createDatabase(connectionString));
parentPort?.postMessage(await runSequences(stages, options));
