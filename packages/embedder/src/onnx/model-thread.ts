import { parentPort, workerData } from "node:worker_threads";
import { messageOf, ReembedError } from "@reembed/core";
import { failureCode } from "./inference-failure.ts";
import type { InferenceReply, InferenceRequest, InferenceSettings } from "./inference-messages.ts";
import { loadOnnxModel } from "./onnx-model.ts";

const settings = workerData as InferenceSettings;

try {
  const run = await loadOnnxModel(settings);
  parentPort?.on("message", answer);
  reply({ kind: "ready" });

  async function answer(request: InferenceRequest): Promise<void> {
    const startedAt = performance.now();
    try {
      const vectors = await run(request);
      reply({ kind: "done", id: request.id, vectors, seconds: (performance.now() - startedAt) / 1_000 });
    } catch (error) {
      const failure = describe(error, "inference_failed");
      reply({ kind: "failed", id: request.id, ...failure });
      // After one failure a CUDA context fails for ever, so the next run needs a new process.
      if (failure.code === "device_failed") parentPort?.close();
    }
  }
} catch (error) {
  // ONNX Runtime opens the device before it reads the graph, so an error here may come from either.
  reply({ kind: "refused", ...describe(error, settings.device === "cpu" ? "model_unusable" : "device_unavailable") });
}

function reply(message: InferenceReply): void {
  parentPort?.postMessage(message);
}

function describe(error: unknown, otherwise: string): { code: string; message: string } {
  const message = messageOf(error);
  return { code: error instanceof ReembedError ? error.code : failureCode(message, otherwise), message };
}
