import { execFileSync } from "node:child_process";
import { parseArgs } from "node:util";
import { messageOf, ReembedError } from "@reembed/core";
import { roundTo } from "./embed/figures.ts";
import { openRandomModel, type RandomModel } from "./embed/random-model.ts";
import { measureFidelity } from "./gpu/fidelity.ts";
import { measureKernels } from "./gpu/kernels.ts";
import { measureMatrixRate } from "./gpu/matrix-rate.ts";
import { makeCases, measureCase } from "./gpu/measure.ts";
import { Peer } from "./gpu/peer.ts";
import { measureScarceMemory } from "./gpu/scarce-memory.ts";
import { TextSource } from "./gpu/texts.ts";
import { measureGpuWorker } from "./gpu/worker.ts";
import { describeMachine } from "./machine.ts";

/** The shortest text has one token between the two special ones. */
const fidelityLengths = [3, 16, 128, 512, 1_500, 4_096, 8_192];
/** Each of these runs has about 32,000 tokens. */
const kernelRuns = [
  { texts: 256, length: 128 },
  { texts: 64, length: 512 },
  { texts: 22, length: 1_500 },
];
const parts = ["fidelity", "throughput", "kernels", "memory", "worker"] as const;
type Part = (typeof parts)[number];

const { values } = parseArgs({
  options: {
    layers: { type: "string", default: "24" },
    tokens: { type: "string", default: "1000000" },
    rounds: { type: "string", default: "3" },
    chunks: { type: "string", default: "6000" },
    python: { type: "string", default: "python3" },
    only: { type: "string", default: parts.join() },
  },
});
const wanted = values.only.split(",") as Part[];
const result: Record<string, unknown> = { benchmark: "gpu", machine: describeMachine() };

try {
  result.gpu = readGpu();
  console.error(result.gpu);
  const model = await openRandomModel({ layers: Number(values.layers), graphs: ["fp32", "packed-fp16"] });
  for (const part of parts.filter((name) => wanted.includes(name))) {
    const startedAt = performance.now();
    try {
      result[part] = await measurePart(part, model);
    } catch (error) {
      process.exitCode = 1;
      result[part] = { failed: messageOf(error) };
      console.error(error);
    }
    console.error(
      `${part} took ${((performance.now() - startedAt) / 1_000).toFixed(1)} s: ${JSON.stringify(result[part])}`,
    );
  }
  console.log(JSON.stringify(result));
} catch (error) {
  console.error(error instanceof ReembedError ? `${error.message}\n${error.remedy ?? ""}` : error);
  process.exitCode = 1;
}

async function measurePart(part: Part, model: RandomModel): Promise<unknown> {
  if (part === "fidelity") return await measureFidelity(model, fidelityLengths);
  if (part === "throughput") return await measureThroughput(model);
  if (part === "kernels") return kernelRuns.map(({ texts, length }) => measureKernels(model, texts, length));
  if (part === "memory") return await measureScarceMemory(model, new TextSource(), values.python);
  return await measureGpuWorker(model, Number(values.chunks));
}

/** Without a Python, nothing is compared. */
async function measureThroughput(model: RandomModel): Promise<unknown> {
  const matrixRate = await measureMatrixRate();
  await using peer = values.python === "" ? undefined : await Peer.start(values.python, model);
  const figures: Record<string, unknown> = { matrixTflops: roundTo(matrixRate / 1e12, 0), peer: peer?.about };
  for (const gpuCase of makeCases(Number(values.tokens))) {
    figures[gpuCase.name] = await measureCase(gpuCase, { model, peer, rounds: Number(values.rounds), matrixRate });
  }
  return figures;
}

function readGpu(): string {
  const query = ["--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"];
  return execFileSync("nvidia-smi", query, { encoding: "utf8" }).trim();
}
