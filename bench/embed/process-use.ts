import { readFileSync } from "node:fs";

/** What a process has used so far; only available on Linux. */
export interface ProcessUse {
  /** Peak memory. */
  peakRssMiB: number | undefined;
  /** CPU time of all its threads. */
  cpuSeconds: number | undefined;
}

/** USER_HZ, which is 100 on all Linux platforms that Node supports. */
const ticksPerSecond = 100;

export function processUse(pid: number): ProcessUse {
  if (process.platform !== "linux") return { peakRssMiB: undefined, cpuSeconds: undefined };
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const kibibytes = /^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1];
  // proc_pid_stat(5): after the name, which may contain anything, utime and stime are the 12th and 13th field.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  return { peakRssMiB: Number(kibibytes) / 1_024, cpuSeconds: ticks / ticksPerSecond };
}
