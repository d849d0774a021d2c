import { InferenceSession, Tensor } from "onnxruntime-node";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { messageOf, ReembedError } from "@reembed/core";
import type { InferenceReply, InferenceRequest, InferenceSettings } from "./inference-messages.ts";
import { normalize, poolTokens } from "./pooling.ts";

// A run of the model blocks the event loop for as long as it takes (1.6 s: one tick of 707), and what a run does wrong,
// it does in native code. So it happens in this process, apart from the one that renews the queue's locks.

const settings = JSON.parse(process.argv[2] ?? "") as InferenceSettings;
// Ctrl-C reaches the whole process group: the parent finishes what is in hand and then disconnects.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => {});
process.on("disconnect", () => process.exit(0));

try {
  const run = await loadModel(settings);
  process.on("message", (request: InferenceRequest) => {
    run(request).then(
      (vectors) => reply({ kind: "done", id: request.id, vectors }),
      (error: unknown) => reply({ kind: "failed", id: request.id, message: messageOf(error) }),
    );
  });
  reply({ kind: "ready" });
} catch (error) {
  const code = error instanceof ReembedError ? error.code : "model_unusable";
  reply({ kind: "refused", code, message: messageOf(error) });
  process.disconnect();
}

function reply(message: InferenceReply): void {
  process.send?.(message);
}

async function loadModel({ folder, device, dimensions, pooling }: InferenceSettings) {
  const path = join(folder, "onnx/model.onnx");
  const session = await InferenceSession.create(path, {
    executionProviders: [device],
    // The arena keeps its peak for ever: after one long text a worker would hold its gigabytes to the end.
    enableCpuMemArena: false,
  });
  const pooled = session.outputNames.includes("sentence_embedding");
  const output = pooled ? "sentence_embedding" : session.outputNames[0];
  if (output === undefined || (!pooled && pooling === "graph")) {
    throw new ReembedError("model_unusable", `${path} has no output sentence_embedding, but ${session.outputNames}`);
  }
  const padId = await readPadId(folder);

  return async ({ inputIds, lengths, length }: InferenceRequest): Promise<Float32Array> => {
    const shape = [lengths.length, length];
    const ids = BigInt64Array.from(inputIds, BigInt);
    const mask = new BigInt64Array(ids.length);
    lengths.forEach((tokens, row) => {
      mask.fill(1n, row * length, row * length + tokens);
      ids.fill(padId, row * length + tokens, (row + 1) * length);
    });
    const inputs: Record<string, BigInt64Array> = {
      input_ids: ids,
      attention_mask: mask,
      token_type_ids: new BigInt64Array(ids.length),
    };
    const feeds: Record<string, Tensor> = {};
    for (const name of session.inputNames) {
      const values = inputs[name];
      if (values === undefined) throw new ReembedError("model_unusable", `${path} wants the unknown input ${name}`);
      feeds[name] = new Tensor("int64", values, shape);
    }
    const { data, dims } = (await session.run(feeds, [output]))[output] as Tensor;
    const vectors = pooled ? (data as Float32Array) : poolTokens(data as Float32Array, lengths, length, pooling);
    if (vectors.length !== lengths.length * dimensions) {
      throw new ReembedError(
        "model_unusable",
        `${path} returned ${dims.join(" x ")}; ${dimensions} dimensions were expected`,
      );
    }
    return normalize(vectors, dimensions);
  };
}

async function readPadId(folder: string): Promise<bigint> {
  const config = JSON.parse(await readFile(join(folder, "config.json"), "utf8")) as { pad_token_id?: number };
  return BigInt(config.pad_token_id ?? 0);
}
