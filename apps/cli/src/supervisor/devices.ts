import { execFile } from "node:child_process";
import { availableParallelism } from "node:os";
import { promisify } from "node:util";
import { messageOf, ReembedError } from "@reembed/core";
import { InvalidArgumentError } from "commander";

const known = /^(cpu|webgpu|cuda(:\d+|:all)?)$/;

/** A device as `--device` takes it: `cpu`, `webgpu`, `cuda`, one GPU as `cuda:1`, or `cuda:all`. */
export function parseDevice(text: string): string {
  if (known.test(text)) return text;
  throw new InvalidArgumentError("It must be cpu, webgpu, cuda, cuda:<number> or cuda:all.");
}

/** A device as `parseDevice` has it, for a command that runs in one process. */
export function parseOneDevice(text: string): string {
  if (text === "cuda:all") throw new InvalidArgumentError("One device does it: give cuda:<number>.");
  return parseDevice(text);
}

/**
 * The devices of the processes that a worker command starts, one each: every GPU of this machine for `cuda:all`, and
 * otherwise the same one as often as asked.
 * @throws ReembedError `device_unavailable` when `cuda:all` finds no GPU.
 */
export async function processDevices(device: string, processes: number): Promise<string[]> {
  if (device !== "cuda:all") return Array.from({ length: processes }, () => device);
  const gpus = await listGpus();
  return gpus.flatMap((gpu) => Array.from({ length: processes }, () => `cuda:${gpu}`));
}

/**
 * How many threads of a CPU each of several processes has: so many that none waits for another's core. One process alone
 * leaves it to ONNX Runtime.
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
    throw new ReembedError("device_unavailable", `nvidia-smi tells of no GPU: ${messageOf(cause)}`, {
      exitCode: 2,
      remedy: "Name the devices one by one (--device cuda:0), or use --device cpu --processes <n>.",
      cause,
    });
  }
}
