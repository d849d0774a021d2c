import { globSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";

/** Whether ONNX Runtime's own CUDA files are installed: `npm ci` leaves them out, and `cuda` is refused without them. */
export function hasCudaFiles(): boolean {
  const entry = createRequire(import.meta.url).resolve("onnxruntime-node");
  const pattern = `../bin/napi-v*/${process.platform}/${process.arch}/*providers_cuda*`;
  return globSync(pattern, { cwd: dirname(entry) }).length > 0;
}
