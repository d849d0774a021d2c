import { readFileSync } from "node:fs";

interface Sample {
  seconds: number;
  megabytes: number;
}

/** Growth that garbage collection alone can explain within a few minutes. */
const toleratedMegabytes = 40;
const toleratedShare = 0.2;

/** Samples the resident memory of processes to find those that grow. */
export class MemoryWatch {
  readonly #samples = new Map<string, Sample[]>();
  readonly #startedAt = performance.now();

  /** Skips a process that has ended. */
  sample(name: string, pid: number): void {
    const resident = readResident(pid);
    if (resident === undefined) return;
    const samples = this.#samples.get(name) ?? [];
    samples.push({ seconds: (performance.now() - this.#startedAt) / 1_000, megabytes: resident });
    this.#samples.set(name, samples);
  }

  /** Each process's memory at the end, and its growth over the last two thirds by the best-fitting line. */
  report(): { process: string; megabytes: number; grownMegabytes: number; grows: boolean }[] {
    return [...this.#samples].map(([process, all]) => {
      const samples = all.slice(Math.floor(all.length / 3));
      const megabytes = mean(samples.map((sample) => sample.megabytes));
      const grownMegabytes = slope(samples) * ((samples.at(-1)?.seconds ?? 0) - (samples[0]?.seconds ?? 0));
      const grows = grownMegabytes > toleratedMegabytes && grownMegabytes > toleratedShare * megabytes;
      return { process, megabytes: Math.round(megabytes), grownMegabytes: Math.round(grownMegabytes), grows };
    });
  }
}

/** Slope by least squares. */
function slope(samples: readonly Sample[]): number {
  const x = mean(samples.map((sample) => sample.seconds));
  const y = mean(samples.map((sample) => sample.megabytes));
  const sum = (of: (sample: Sample) => number) => samples.reduce((total, sample) => total + of(sample), 0);
  const spread = sum((sample) => (sample.seconds - x) ** 2);
  return spread === 0 ? 0 : sum((sample) => (sample.seconds - x) * (sample.megabytes - y)) / spread;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

function readResident(pid: number): number | undefined {
  try {
    const kilobytes = readFileSync(`/proc/${pid}/status`, "utf8").match(/^VmRSS:\s+(\d+)/m)?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) / 1_024;
  } catch {
    return undefined;
  }
}
