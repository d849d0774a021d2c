import { execFile } from "node:child_process";
import { globSync } from "node:fs";
import { open } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

/** ONNX Runtime's provider for CUDA, as it is installed here. */
export interface CudaFiles {
  /** Major version of the CUDA that it is linked against; undefined where the file does not tell. */
  cuda: number | undefined;
  /** Libraries that it needs and this host does not find, such as `libcublasLt.so.13`. */
  missing: string[];
}

/** The names of needed libraries stand at the beginning of a shared object. */
const headBytes = 1 << 20;

/**
 * Finds out which CUDA the provider wants from the file itself: the same release of ONNX Runtime is published for
 * several.
 * @returns Undefined where it is not installed: `npm ci` leaves it out, and `cuda` is refused without it.
 */
export async function inspectCudaFiles(): Promise<CudaFiles | undefined> {
  const folder = dirname(createRequire(import.meta.url).resolve("onnxruntime-node"));
  const pattern = `../bin/napi-v*/${process.platform}/${process.arch}/*providers_cuda*`;
  const [found] = globSync(pattern, { cwd: folder });
  if (found === undefined) return undefined;
  const path = join(folder, found);
  return { cuda: linkedCuda(await readHead(path)), missing: await missingLibraries(path) };
}

/** Of a shared object's first bytes, or of what `ldd` prints. */
export function linkedCuda(text: string): number | undefined {
  const major = /\blib(?:cublasLt|cudart)\.so\.(\d+)/.exec(text)?.[1];
  return major === undefined ? undefined : Number(major);
}

/** Of what `ldd` prints. The driver's own library is told by nvidia-smi. */
export function missingOf(ldd: string): string[] {
  const lines = ldd.matchAll(/^\s*(\S+) => not found$/gm);
  return [...lines].flatMap(([, name = ""]) => (name.startsWith("libcuda.so") ? [] : [name]));
}

async function readHead(path: string): Promise<string> {
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(headBytes), 0, headBytes, 0);
  return buffer.toString("latin1", 0, bytesRead);
}

/** None where there is no ldd to tell. */
async function missingLibraries(path: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)("ldd", [path], { timeout: 10_000 }).catch(() => ({ stdout: "" }));
  return missingOf(stdout);
}
