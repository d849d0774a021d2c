import { messageOf, ReembedError } from "@reembed/core";
import type { InferenceReply, InferenceRequest, InferenceSettings } from "./inference-messages.ts";
import { loadOnnxModel } from "./onnx-model.ts";

// A run of the model blocks the event loop for as long as it takes (1.6 s: one tick of 707), and what a run does wrong,
// it does in native code. So it happens in this process, apart from the one that renews the queue's locks.

const settings = JSON.parse(process.argv[2] ?? "") as InferenceSettings;
// Ctrl-C reaches the whole process group: the parent finishes what is in hand and then ends this process.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => {});
process.on("disconnect", () => process.exit(0));

/** What the allocators of the C++ library, of ONNX Runtime, of CUDA, and of cuBLAS and cuDNN say. */
const outOfMemory = /bad[ _]alloc|failed to allocate|out of memory|STATUS_ALLOC_FAILED/i;

try {
  const run = await loadOnnxModel(settings);
  process.on("message", (request: InferenceRequest) => {
    const startedAt = performance.now();
    run(request).then(
      (vectors) => reply({ kind: "done", id: request.id, vectors, seconds: (performance.now() - startedAt) / 1_000 }),
      (error: unknown) => reply({ kind: "failed", id: request.id, ...describe(error, "inference_failed") }),
    );
  });
  reply({ kind: "ready" });
} catch (error) {
  // ONNX Runtime attaches the device before it reads the graph.
  const otherwise = settings.device === "cpu" ? "model_unusable" : "device_unavailable";
  reply({ kind: "refused", ...describe(error, otherwise) });
}

function reply(message: InferenceReply): void {
  process.send?.(message);
}

function describe(error: unknown, otherwise: string): { code: string; message: string } {
  const message = messageOf(error);
  if (error instanceof ReembedError) return { code: error.code, message };
  return { code: outOfMemory.test(message) ? "out_of_memory" : otherwise, message };
}
