import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** What nvidia-smi reports of the first GPU: means, except for the memory. */
export interface GpuUse {
  /** Share of the time in which a kernel was running. */
  busy: number;
  powerWatts: number;
  clockMHz: number;
  /** Peak memory in use, by all processes. */
  peakMemoryMiB: number;
}

const fields = "utilization.gpu,power.draw,clocks.sm,memory.used";

/** Samples the first GPU ten times a second until `read` is called. */
export function watchGpu(): { read(): Promise<GpuUse> } {
  const query = [`--query-gpu=${fields}`, "--format=csv,noheader,nounits", "--id=0", "--loop-ms=100"];
  const process = spawn("nvidia-smi", query, { stdio: ["ignore", "pipe", "ignore"] });
  const samples: number[][] = [];
  createInterface(process.stdout).on("line", (line) => samples.push(line.split(",").map(Number)));
  const ended = once(process, "close");
  return {
    async read() {
      process.kill();
      await ended;
      if (samples.length === 0) throw new Error("nvidia-smi reported nothing about the GPU");
      const valuesOf = (field: number) => samples.map((sample) => sample[field] ?? Number.NaN).filter(Number.isFinite);
      return {
        busy: meanOf(valuesOf(0)) / 100,
        powerWatts: Math.round(meanOf(valuesOf(1))),
        clockMHz: Math.round(meanOf(valuesOf(2))),
        peakMemoryMiB: Math.max(...valuesOf(3)),
      };
    },
  };
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
