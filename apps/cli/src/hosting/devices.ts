import { execFile } from "node:child_process";
import { availableParallelism } from "node:os";
import { promisify } from "node:util";
import { messageOf, ReembedError } from "@reembed/core";
import { InvalidArgumentError } from "commander";

const known = /^(cpu|webgpu|cuda(:\d+|:all)?)$/;

/** Parses `--device`: `cpu`, `webgpu`, `cuda`, one GPU such as `cuda:1`, or `cuda:all`. */
export function parseDevice(text: string): string {
  if (known.test(text)) return text;
  throw new InvalidArgumentError("It must be cpu, webgpu, cuda, cuda:<number> or cuda:all.");
}

/** Parses a device for a command that runs in one process. */
export function parseOneDevice(text: string): string {
  if (text === "cuda:all") throw new InvalidArgumentError("This command uses one device: give cuda:<number>.");
  return parseDevice(text);
}

/**
 * The devices of the processes that a worker command starts, one each: all GPUs of this machine for `cuda:all`, otherwise
 * the given device as often as there are processes.
 * @throws ReembedError `device_unavailable` if `cuda:all` finds no GPU.
 */
export async function processDevices(device: string, processes: number): Promise<string[]> {
  if (device !== "cuda:all") return Array.from({ length: processes }, () => device);
  const gpus = await listGpus();
  return gpus.flatMap((gpu) => Array.from({ length: processes }, () => `cuda:${gpu}`));
}

/**
 * The number of CPU threads for each of several processes, so that none waits for another's core. For a single process
 * ONNX Runtime chooses.
 */
export function threadsOf(device: string, processes: number): number | undefined {
  if (device !== "cpu" || processes === 1) return undefined;
  return Math.max(1, Math.floor(availableParallelism() / processes));
}

async function listGpus(): Promise<string[]> {
  try {
    const { stdout } = await promisify(execFile)("nvidia-smi", ["--query-gpu=index", "--format=csv,noheader"]);
    return stdout.trim().split(/\s+/);
  } catch (cause) {
    throw new ReembedError("device_unavailable", `nvidia-smi finds no GPU: ${messageOf(cause)}`, {
      exitCode: 2,
      remedy: "Give a single device (--device cuda:0), or use --device cpu --processes <n>.",
      cause,
    });
  }
}
