import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { ReembedError } from "@reembed/core";
import { leastCosine, roundTo } from "../embed/figures.ts";
import type { RandomModel } from "../embed/random-model.ts";
import { type OpenGpuEmbedder, openGpuEmbedder, vectorsOf } from "./sides.ts";
import type { TextSource } from "./texts.ts";

export interface ScarceMemory {
  /** Memory that another process leaves free. */
  freeMiB: number;
  /** The token budgets in order; each is half of the one before, after a run was out of memory. */
  budgets: number[];
  /** How often the device failed: CUDA does not call every lack of memory by its name. */
  deviceFailures: number;
  /** Least cosine to the vectors that were computed with enough memory. */
  leastCosine: number;
}

const freeMiB = 1_500;
const mostFailures = 5;
const takeMemory = `
import torch, sys
free, _ = torch.cuda.mem_get_info()
held = torch.empty(free - ${freeMiB} * 2**20, dtype=torch.uint8, device="cuda")
print("held", flush=True)
sys.stdin.read()
`;

/** Has another process take the GPU's memory while a model is loaded, and embeds texts that fitted before. */
export async function measureScarceMemory(
  model: RandomModel,
  source: TextSource,
  python: string,
): Promise<ScarceMemory> {
  const texts = source.mixed(160, 1_000, 1_500);
  await using plenty = await openGpuEmbedder(model, { tokenBudget: 1 << 15 });
  const expected = await vectorsOf(plenty, texts);
  await plenty.embedder[Symbol.asyncDispose]();
  await using opened = await openGpuEmbedder(model, { tokenBudget: 1 << 19 });
  const neighbour = spawn(python, ["-c", takeMemory], { stdio: ["pipe", "pipe", "inherit"] });
  try {
    for await (const line of createInterface(neighbour.stdout)) if (line === "held") break;
    const { vectors, deviceFailures } = await keepTrying(opened, texts);
    const { budgets } = opened.observer;
    return { freeMiB, budgets, deviceFailures, leastCosine: roundTo(leastCosine(vectors, expected), 6) };
  } finally {
    neighbour.kill("SIGKILL");
    await once(neighbour, "close");
  }
}

/** As a worker does, embeds the texts again when the device has failed. */
async function keepTrying(opened: OpenGpuEmbedder, texts: readonly string[]) {
  for (let deviceFailures = 0; ; deviceFailures++) {
    try {
      return { vectors: await vectorsOf(opened, texts), deviceFailures };
    } catch (error) {
      const failed = error instanceof ReembedError && error.code === "device_failed";
      if (!failed || deviceFailures === mostFailures) throw error;
    }
  }
}
