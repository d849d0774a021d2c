import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { hasCudaFiles } from "@reembed/embedder";
import { formatBytes } from "../output.ts";
import type { Check } from "./context.ts";
import { type Finding, ok, warning } from "./finding.ts";

export interface Gpu {
  name: string;
  memoryBytes: number;
  driver: string;
}

/** Weights of BGE-M3 in fp16 are 1.1 GB; CUDA's own context and a run of some texts want about as much again. */
const leastBytes = 4e9;

export const checkGpu: Check = async () => judgeGpus(await readGpus(), hasCudaFiles());

export function judgeGpus(gpus: readonly Gpu[], cudaFiles: boolean): Finding[] {
  if (gpus.length === 0) return [ok("GPU", "none of NVIDIA's; workers run on the CPU")];
  const findings = gpus.map(({ name, memoryBytes, driver }) => {
    const says = `${name}, ${formatBytes(memoryBytes)}, driver ${driver}`;
    return memoryBytes >= leastBytes
      ? ok("GPU", says)
      : warning("GPU", says, "Long chunks may not fit: use --device cpu.");
  });
  if (cudaFiles) return findings;
  const install = "ONNXRUNTIME_NODE_INSTALL=cuda12 node node_modules/onnxruntime-node/script/install.js";
  return [
    ...findings,
    warning("CUDA", "ONNX Runtime's CUDA files are not installed: --device cuda is refused", install),
  ];
}

/** @returns None where there is no nvidia-smi, or it finds no device. */
async function readGpus(): Promise<Gpu[]> {
  const query = ["--query-gpu=name,memory.total,driver_version", "--format=csv,noheader,nounits"];
  const stdout = await promisify(execFile)("nvidia-smi", query, { timeout: 10_000 }).then(
    (result) => result.stdout,
    () => "",
  );
  return stdout
    .split("\n")
    .map((line) => line.split(", "))
    .flatMap(([name, mebibytes, driver]) =>
      name && mebibytes && driver ? [{ name, memoryBytes: Number(mebibytes) * 2 ** 20, driver: driver.trim() }] : [],
    );
}
