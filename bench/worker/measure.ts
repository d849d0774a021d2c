import { tryEmbedding } from "@reembed/embedder";
import { openOnnxEmbedder } from "@reembed/embedder/onnx";
import { median, roundTo } from "../embed/figures.ts";
import { openRandomModel } from "../embed/random-model.ts";
import { describeServer } from "../store/server.ts";
import { benchProfile, loadHandbook, readTexts, registerRound } from "./corpus.ts";
import { ModelTime } from "./model-time.ts";
import { openServers } from "./servers.ts";
import { batchSize, runBare, runWorker } from "./sides.ts";

interface SideFigures {
  tokensPerSecond: number;
  /** Share of the time in which no run was in the model. */
  modelIdle: number;
}

export interface WorkerFigures {
  /** Speed of the worker relative to bare inference. */
  ratio: number;
  layers: number;
  rounds: number;
  chunks: number;
  tokens: number;
  batch: number;
  /** Medians over the rounds. */
  worker: SideFigures;
  bare: SideFigures;
  servers: string;
}

export interface WorkerOptions {
  layers: number;
  rounds: number;
  chunks: number;
}

/** Runs both sides once per round, starting with the other one each time. */
export async function measureWorker({ layers, rounds, chunks }: WorkerOptions): Promise<WorkerFigures> {
  const { model, folder, graph } = await openRandomModel({ layers, graphs: ["int8"] });
  await using scope = new AsyncDisposableStack();
  const servers = await openServers(scope);
  const { database } = servers;
  const bareProfile = benchProfile("bare", model);
  await loadHandbook(database, bareProfile, chunks);
  const batches = await readTexts(database, bareProfile, batchSize);
  const observer = new ModelTime();
  const embedder = scope.use(
    openOnnxEmbedder({ model, folder, graph: graph("int8"), prepared: true, device: "cpu", observer }),
  );
  await tryEmbedding(embedder);

  const sides = {
    bare: () => runBare(embedder, batches),
    worker: async (round: number) => {
      const profile = await registerRound(database, benchProfile(`round-${round}`, model));
      return await runWorker(servers, profile, embedder);
    },
  };
  const runs: Record<keyof typeof sides, Run[]> = { bare: [], worker: [] };
  for (let round = 0; round < rounds; round++) {
    for (const name of round % 2 === 0 ? (["bare", "worker"] as const) : (["worker", "bare"] as const)) {
      observer.take();
      const run = await sides[name](round);
      runs[name].push({ ...run, modelSeconds: observer.take() });
      console.error(`round ${round + 1} of ${rounds}: ${name}: ${(run.tokens / run.seconds).toFixed(0)} tok/s`);
    }
  }
  const [bare, worker] = [summarize(runs.bare), summarize(runs.worker)];
  return {
    ratio: roundTo(worker.tokensPerSecond / bare.tokensPerSecond, 3),
    layers,
    rounds,
    chunks: batches.flat().length,
    tokens: runs.bare[0]?.tokens ?? 0,
    batch: batchSize,
    worker,
    bare,
    servers: `${servers.title}: ${await describeServer(database)}`,
  };
}

interface Run {
  seconds: number;
  tokens: number;
  modelSeconds: number;
}

function summarize(runs: readonly Run[]): SideFigures {
  return {
    tokensPerSecond: roundTo(median(runs.map(({ tokens, seconds }) => tokens / seconds)), 1),
    modelIdle: roundTo(median(runs.map(({ seconds, modelSeconds }) => 1 - modelSeconds / seconds)), 4),
  };
}
