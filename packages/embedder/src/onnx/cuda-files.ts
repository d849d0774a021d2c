import { execFile } from "node:child_process";
import { globSync } from "node:fs";
import { open } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

/** The state of ONNX Runtime's CUDA provider on this host. */
export interface CudaFiles {
  /** Major version of CUDA that the provider is linked against; undefined if its file does not show it. */
  cuda: number | undefined;
  /** Libraries that the provider needs but this host does not have, such as `libcublasLt.so.13`. */
  missing: string[];
}

/** A shared object lists the libraries that it needs near its beginning. */
const headBytes = 1 << 20;

/**
 * Reads from the provider's file which CUDA it needs: one release of ONNX Runtime is published for several versions.
 * @returns Undefined if the provider is not installed: `npm ci` leaves it out, and without it `cuda` is refused.
 */
export async function inspectCudaFiles(): Promise<CudaFiles | undefined> {
  const folder = dirname(createRequire(import.meta.url).resolve("onnxruntime-node"));
  const pattern = `../bin/napi-v*/${process.platform}/${process.arch}/*providers_cuda*`;
  const [found] = globSync(pattern, { cwd: folder });
  if (found === undefined) return undefined;
  const path = join(folder, found);
  return { cuda: linkedCuda(await readHead(path)), missing: await missingLibraries(path) };
}

/** @param text The first bytes of a shared object, or the output of `ldd`. */
export function linkedCuda(text: string): number | undefined {
  const major = /\blib(?:cublasLt|cudart)\.so\.(\d+)/.exec(text)?.[1];
  return major === undefined ? undefined : Number(major);
}

/** @param ldd The output of `ldd`. The driver's own library is left out: nvidia-smi reports it. */
export function missingOf(ldd: string): string[] {
  const lines = ldd.matchAll(/^\s*(\S+) => not found$/gm);
  return [...lines].flatMap(([, name = ""]) => (name.startsWith("libcuda.so") ? [] : [name]));
}

async function readHead(path: string): Promise<string> {
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(headBytes), 0, headBytes, 0);
  return buffer.toString("latin1", 0, bytesRead);
}

/** Empty if there is no `ldd`. */
async function missingLibraries(path: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)("ldd", [path], { timeout: 10_000 }).catch(() => ({ stdout: "" }));
  return missingOf(stdout);
}
