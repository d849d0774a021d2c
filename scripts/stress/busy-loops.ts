import { Worker } from "node:worker_threads";

/** Threads that compute without a pause until disposal. They also end with this process. */
export function startBusyLoops(count: number): AsyncDisposable {
  const workers = Array.from({ length: count }, () => new Worker("for (;;) ;", { eval: true }));
  return {
    async [Symbol.asyncDispose]() {
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}
