import { readFileSync } from "node:fs";

/** What a process has used so far; only Linux tells. */
export interface ProcessUse {
  /** The most memory that it has held. */
  peakRssMiB: number | undefined;
  /** Of all its threads. */
  cpuSeconds: number | undefined;
}

/** USER_HZ, which Linux fixes at 100 on every platform that Node has. */
const ticksPerSecond = 100;

export function processUse(pid: number): ProcessUse {
  if (process.platform !== "linux") return { peakRssMiB: undefined, cpuSeconds: undefined };
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const kibibytes = /^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1];
  // proc_pid_stat(5): behind the name, which may hold anything, utime and stime are the 12th and 13th field.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  return { peakRssMiB: Number(kibibytes) / 1_024, cpuSeconds: ticks / ticksPerSecond };
}
