import { Worker } from "node:worker_threads";
import {
  type InferenceReply,
  type InferenceRequest,
  type InferenceSettings,
  modelThreads,
} from "./inference-messages.ts";

// The model runs in this process of its own because its errors happen in native code and may end the process: the parent
// must live on to renew the queue's locks. It runs on a thread because a run blocks the event loop for its whole duration
// (1.6 s measured: 1 timer tick of 707). With a thread, the next request arrives and the last vectors are sent meanwhile.

const settings = JSON.parse(process.argv[2] ?? "") as InferenceSettings;
const threads = modelThreads(settings.device);

// Ctrl-C reaches the whole process group. The child ignores it: the parent finishes its work and then ends the child.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => {});
process.on("disconnect", () => process.exit(0));

const waiting: InferenceRequest[] = [];
const idle: Worker[] = [];
let loaded = 0;
for (let thread = 0; thread < threads; thread++) startThread();

process.on("message", (request: InferenceRequest) => {
  waiting.push(request);
  dispatch();
});

function startThread(): void {
  const model = new Worker(new URL("./model-thread.ts", import.meta.url), { workerData: settings, execArgv: [] });
  model.on("message", (message: InferenceReply) => {
    if (message.kind === "ready") loaded++;
    if (message.kind !== "ready" || loaded === threads) process.send?.(message);
    if (message.kind === "refused") return;
    idle.push(model);
    dispatch();
  });
  // A thread exits on its own after an error that makes all further results unreliable.
  model.on("exit", (code) => process.exit(code));
}

/** Requests run in order, one per thread. */
function dispatch(): void {
  while (waiting.length > 0 && idle.length > 0) idle.shift()?.postMessage(waiting.shift());
}
