import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export interface GpuUse {
  /** Mean share of the time in which a kernel was running, as nvidia-smi samples it. */
  busy: number;
  /** Peak memory in use on the GPU, by all processes. */
  peakMemoryMiB: number;
}

const fields = "utilization.gpu,memory.used";

/** Samples the first GPU ten times a second until `read` is called. */
export function watchGpu(): { read(): Promise<GpuUse> } {
  const query = [`--query-gpu=${fields}`, "--format=csv,noheader,nounits", "--id=0", "--loop-ms=100"];
  const process = spawn("nvidia-smi", query, { stdio: ["ignore", "pipe", "ignore"] });
  const samples: [busy: number, memory: number][] = [];
  createInterface(process.stdout).on("line", (line) => {
    const [busy = Number.NaN, memory = Number.NaN] = line.split(",").map(Number);
    if (Number.isFinite(busy) && Number.isFinite(memory)) samples.push([busy, memory]);
  });
  const ended = once(process, "close");
  return {
    async read() {
      process.kill();
      await ended;
      if (samples.length === 0) throw new Error("nvidia-smi reported nothing about the GPU");
      const busy = samples.reduce((sum, [share]) => sum + share, 0) / samples.length / 100;
      return { busy, peakMemoryMiB: Math.max(...samples.map(([, memory]) => memory)) };
    },
  };
}
