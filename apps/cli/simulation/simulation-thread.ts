import { parentPort, workerData } from "node:worker_threads";
import { type Lane, runLanes } from "./run-sequences.ts";

parentPort?.postMessage(await runLanes(workerData as Lane[]));
