import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { RandomModel } from "../embed/random-model.ts";
import type { GpuCase } from "./measure.ts";

export interface PeerFigures {
  /** Its own description: versions and kind of attention. */
  about: Record<string, string>;
  /** The best batch size of each case. */
  cases: Record<string, { seconds: number; batch: number; peakMemoryMiB: number }>;
  /** The GPU's rate, measured by PyTorch. */
  matrixTflops?: number;
}

const script = join(import.meta.dirname, "sentence_transformers_side.py");

/** sentence-transformers in float16 on the same GPU. Its default batch has 32 texts; the best of all batch sizes counts. */
export async function runPeer(
  python: string,
  { folder }: RandomModel,
  cases: readonly GpuCase[],
  device = "cuda",
): Promise<PeerFigures> {
  const work = await mkdtemp(join(tmpdir(), "reembed-peer-"));
  try {
    const request = {
      folder,
      device,
      work: join(work, "model"),
      batches: [32, 128],
      cases: Object.fromEntries(cases.map(({ name, texts, maxTokens }) => [name, { texts, maxTokens }])),
    };
    await writeFile(join(work, "request.json"), JSON.stringify(request));
    const peer = spawn(python, [script, join(work, "request.json")], { stdio: ["ignore", "pipe", "inherit"] });
    const figures: PeerFigures = { about: {}, cases: {} };
    const ended = once(peer, "close");
    for await (const line of createInterface(peer.stdout)) {
      console.error(`sentence-transformers: ${line}`);
      const said = JSON.parse(line);
      if ("torch" in said) figures.about = said;
      else if ("matrixTflops" in said) figures.matrixTflops = said.matrixTflops;
      else {
        const best = figures.cases[said.case];
        if (best === undefined || said.seconds < best.seconds) figures.cases[said.case] = said;
      }
    }
    const [code] = await ended;
    if (code !== 0) throw new Error(`sentence-transformers ended with ${code}`);
    return figures;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
