import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { roundTo } from "../embed/figures.ts";
import type { RandomModel } from "../embed/random-model.ts";

/** One kind of kernel's part of a run. */
interface KernelFigures {
  kernel: string;
  calls: number;
  ms: number;
  /** Share of the time of all kernels. */
  share: number;
}

export interface RunKernels {
  texts: number;
  tokensPerText: number;
  ms: number;
  kernels: KernelFigures[];
}

const script = join(import.meta.dirname, "kernels-process.ts");
const metric = "gpu__time_duration.sum";
/** The GPU's settings and caches stay as they are in a run. */
const asItIs = ["--clock-control", "none", "--cache-control", "none"];

/** The time of each kernel in one run of the packed graph, from NVIDIA's profiler: one kernel at a time, without pauses. */
export function measureKernels(model: RandomModel, texts: number, tokensPerText: number): RunKernels {
  const settings = JSON.stringify({ model: model.model, graph: model.graph("packed-fp16"), folder: model.folder });
  const command = [process.execPath, script, settings, String(texts), String(tokensPerText)];
  const output = execFileSync("ncu", [...asItIs, "--metrics", metric, "--csv", ...command], {
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  const calls = readKernels(output);
  const all = calls.reduce((sum, { ms }) => sum + ms, 0);
  const kernels = [...Map.groupBy(calls, ({ kernel }) => kernel)].map(([kernel, group]) => {
    const ms = group.reduce((sum, call) => sum + call.ms, 0);
    return { kernel, calls: group.length, ms: roundTo(ms, 2), share: roundTo(ms / all, 3) };
  });
  return { texts, tokensPerText, ms: roundTo(all, 2), kernels: kernels.toSorted((a, b) => b.ms - a.ms) };
}

/** Reads the lines of the profiler that have a value of the metric; their fields are quoted and their units differ. */
export function readKernels(csv: string): { kernel: string; ms: number }[] {
  const rows = csv.split("\n").flatMap((line) => {
    const fields = [...line.matchAll(/"([^"]*)"/g)].map(([, field = ""]) => field);
    return fields.length > 1 ? [fields] : [];
  });
  const [header, ...values] = rows;
  const place = (name: string) => header?.indexOf(name) ?? -1;
  const [name, unit, value] = [place("Kernel Name"), place("Metric Unit"), place("Metric Value")];
  return values.map((fields) => ({
    kernel: shortName(fields[name] ?? ""),
    ms: Number(fields[value]?.replaceAll(",", "")) / perMillisecond(fields[unit] ?? ""),
  }));
}

/** Without the arguments and the template's parameters. */
function shortName(kernel: string): string {
  return kernel.replace(/[<(].*/, "").replace(/^void /, "");
}

function perMillisecond(unit: string): number {
  const factor = { ns: 1e6, nsecond: 1e6, us: 1e3, usecond: 1e3, ms: 1, msecond: 1 }[unit];
  if (factor === undefined) throw new Error(`ncu reported a time in the unknown unit ${unit}`);
  return factor;
}
