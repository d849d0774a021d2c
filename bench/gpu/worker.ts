import { readProfile } from "@reembed/store/profiles";
import { startBackfill } from "@reembed/store/progress";
import { roundTo } from "../embed/figures.ts";
import type { RandomModel } from "../embed/random-model.ts";
import { describeServer } from "../store/server.ts";
import { benchProfile, loadHandbook } from "../worker/corpus.ts";
import { openServers } from "../worker/servers.ts";
import { runWorker } from "../worker/sides.ts";
import { watchGpu } from "./gpu-watch.ts";
import { openGpuEmbedder } from "./sides.ts";

export interface GpuWorkerFigures {
  chunks: number;
  tokens: number;
  tokensPerSecond: number;
  chunksPerSecond: number;
  /** Share of the time between the first and the last run in which no run was in the model. */
  modelIdle: number;
  busy: number;
  /** CPU time of the worker's process with its producer, without the inference process. */
  cpuSeconds: number;
  servers: string;
}

/** Measures a whole worker on the GPU, from reading the database to writing it. */
export async function measureGpuWorker(model: RandomModel, chunks: number): Promise<GpuWorkerFigures> {
  await using scope = new AsyncDisposableStack();
  const servers = await openServers(scope);
  const { database } = servers;
  const profile = benchProfile("gpu", model.model);
  const stored = await loadHandbook(database, profile, chunks);
  const opened = scope.use(await openGpuEmbedder(model));
  await startBackfill(database, await readProfile(database, profile.name));
  opened.observer.take();
  const watch = watchGpu();
  const cpuBefore = process.cpuUsage();
  const run = await runWorker(servers, await readProfile(database, profile.name), opened.embedder);
  const { user, system } = process.cpuUsage(cpuBefore);
  const { busy } = await watch.read();
  return {
    chunks: stored,
    tokens: run.tokens,
    tokensPerSecond: Math.round(run.tokens / run.seconds),
    chunksPerSecond: Math.round(stored / run.seconds),
    modelIdle: roundTo(opened.observer.takeIdleShare(), 4),
    busy: roundTo(busy, 3),
    cpuSeconds: roundTo((user + system) / 1e6, 1),
    servers: `${servers.title}: ${await describeServer(database)}`,
  };
}
