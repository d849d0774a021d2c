import { Worker } from "node:worker_threads";
import type { InferenceReply, InferenceRequest, InferenceSettings } from "./inference-messages.ts";

// What a run of the model does wrong, it does in native code: so it happens in this process, apart from the one that
// renews the queue's locks. And it happens on a thread, because a run blocks an event loop for as long as it takes
// (1.6 s: one tick of 707): meanwhile the next request is received here and the last vectors are sent.

const settings = JSON.parse(process.argv[2] ?? "") as InferenceSettings;
/** On a GPU one thread hands its work over while the other's is computed: between two runs the card would be idle. */
const threads = settings.device.startsWith("cuda") ? 2 : 1;

// Ctrl-C reaches the whole process group: the parent finishes what is in hand and then ends this process.
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
  // A thread ends by itself where nothing that it computed could be trusted any more.
  model.on("exit", (code) => process.exit(code));
}

/** Requests are taken in their order, one for each thread. */
function dispatch(): void {
  while (waiting.length > 0 && idle.length > 0) idle.shift()?.postMessage(waiting.shift());
}
