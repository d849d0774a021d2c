import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { formatBytes } from "@reembed/core";
import { type CudaFiles, inspectCudaFiles } from "@reembed/embedder";
import type { Check } from "./context.ts";
import { type Finding, ok, warning } from "./finding.ts";

export interface Gpu {
  name: string;
  memoryBytes: number;
  driver: string;
}

/** The weights of BGE-M3 in fp16 take 1.1 GB; CUDA's context and a run of some texts need about as much again. */
const leastBytes = 4e9;

/** The oldest driver for each CUDA version, from NVIDIA's table of minor version compatibility. */
const leastDrivers: Readonly<Record<number, number>> = { 12: 525, 13: 580 };

export const checkGpu: Check = async () => judgeGpus(await readGpus(), await inspectCudaFiles());

export function judgeGpus(gpus: readonly Gpu[], files: CudaFiles | undefined): Finding[] {
  if (gpus.length === 0) return [ok("GPU", "no NVIDIA GPU; workers run on the CPU")];
  const findings = gpus.map(({ name, memoryBytes, driver }) => {
    const says = `${name}, ${formatBytes(memoryBytes)}, driver ${driver}`;
    return memoryBytes >= leastBytes
      ? ok("GPU", says)
      : warning("GPU", says, "Long chunks may not fit: use --device cpu.");
  });
  return [...findings, judgeCudaFiles(files, gpus[0]?.driver ?? "")];
}

function judgeCudaFiles(files: CudaFiles | undefined, driver: string): Finding {
  if (files === undefined) {
    const install = "ONNXRUNTIME_NODE_INSTALL=cuda12 node node_modules/onnxruntime-node/script/install.js";
    return warning("CUDA", "ONNX Runtime's CUDA files are not installed: --device cuda is refused", install);
  }
  const { cuda, missing } = files;
  const linked = cuda === undefined ? "ONNX Runtime's CUDA files" : `ONNX Runtime's files for CUDA ${cuda}`;
  if (missing.length > 0) {
    return warning(
      "CUDA",
      `${linked} need ${missing.join(", ")}, which this host does not have: --device cuda is refused`,
      `Install the libraries of CUDA ${cuda ?? "in the version that they name"}, or add their folder to LD_LIBRARY_PATH.`,
    );
  }
  const leastDriver = cuda === undefined ? undefined : leastDrivers[cuda];
  if (leastDriver !== undefined && Number.parseInt(driver, 10) < leastDriver) {
    const says = `${linked} need driver ${leastDriver} or newer, but this host has ${driver}`;
    return warning("CUDA", says, "Update NVIDIA's driver.");
  }
  return ok("CUDA", `${linked} are installed, with the libraries that they need`);
}

/** @returns An empty list if there is no nvidia-smi, or if it finds no GPU. */
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
