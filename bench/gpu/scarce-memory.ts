import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { leastCosine, roundTo } from "../embed/figures.ts";
import type { RandomModel } from "../embed/random-model.ts";
import { openGpuEmbedder, vectorsOf } from "./sides.ts";
import type { TextSource } from "./texts.ts";

export interface ScarceMemory {
  /** Memory that another process leaves free. */
  freeMiB: number;
  /** The token budgets in order; each is half of the one before, after a run was out of memory. */
  budgets: number[];
  /** Least cosine to the vectors that were computed with enough memory. */
  leastCosine: number;
}

const freeMiB = 1_500;
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
  await using plenty = await openGpuEmbedder(model, "packed", { tokenBudget: 1 << 15 });
  const expected = await vectorsOf(plenty, texts);
  await plenty.embedder[Symbol.asyncDispose]();
  await using opened = await openGpuEmbedder(model, "packed", { tokenBudget: 1 << 19 });
  const neighbour = spawn(python, ["-c", takeMemory], { stdio: ["pipe", "pipe", "inherit"] });
  try {
    for await (const line of createInterface(neighbour.stdout)) if (line === "held") break;
    const vectors = await vectorsOf(opened, texts);
    const { budgets } = opened.observer;
    return { freeMiB, budgets, leastCosine: roundTo(leastCosine(vectors, expected), 6) };
  } finally {
    neighbour.kill("SIGKILL");
    await once(neighbour, "close");
  }
}
