import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ReembedError } from "@reembed/core";
import { env, InferenceSession, type Tensor } from "onnxruntime-node";
import type { InferenceRequest, InferenceSettings } from "./inference-messages.ts";
import { packedInputs, packTexts, paddedInputs, padTexts } from "./model-inputs.ts";
import { poolTokens } from "./pooling.ts";

const textOutput = "sentence_embedding";

/**
 * Loads the model's graph. The result runs it and returns the vectors of the texts, of any length, concatenated.
 * An output `sentence_embedding` is [texts, dimensions]; any other output is [texts, length, dimensions] and is pooled.
 * @throws ReembedError `model_unusable` if inputs or outputs do not fit the model; also thrown by a run.
 */
export async function loadOnnxModel(settings: InferenceSettings) {
  const { folder, graph, prepared, layout, device, threads, dimensions, pooling } = settings;
  // ONNX Runtime also throws what it logs as an error: with logging on, each error would appear twice, in two formats.
  env.logLevel = "fatal";
  const session = await InferenceSession.create(graph, {
    executionProviders: [executionProvider(device)],
    // The arena never shrinks: after one long text a worker would keep gigabytes until its end. Without the arena, a run of
    // 1,500 tokens takes 2 % longer.
    enableCpuMemArena: false,
    // On a CPU, ONNX Runtime's fused operators are slower than the plain operators of a prepared graph.
    graphOptimizationLevel: prepared && device === "cpu" ? "basic" : "all",
    ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
  });
  const { inputNames, outputNames } = session;
  const known = layout === "packed" ? packedInputs : paddedInputs;
  const unknown = inputNames.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw unusable(graph, `has the unknown input ${unknown.join(", ")}`);
  const output = chooseOutput(outputNames);
  const padId = await readPadId(folder);

  return async (request: InferenceRequest): Promise<Float32Array> => {
    const texts = request.lengths.length;
    const inputs = layout === "packed" ? packTexts(request) : padTexts(request, padId);
    const feeds = Object.fromEntries(Object.entries(inputs).filter(([name]) => inputNames.includes(name)));
    const result = (await session.run(feeds, [output]))[output] as Tensor;
    if (output === textOutput) return readFloats(graph, result, [texts, dimensions]);
    const longest = Math.max(...request.lengths);
    const tokens = readFloats(graph, result, [texts, longest, dimensions]);
    return poolTokens(tokens, request.lengths, longest, pooling);
  };
}

/** `cuda:1` is the second GPU. There is no fallback to another device: it would be slow and nobody would notice. */
function executionProvider(device: string): InferenceSession.ExecutionProviderConfig {
  const gpu = device.match(/^cuda:(\d+)$/)?.[1];
  return gpu === undefined ? device : { name: "cuda", deviceId: Number(gpu) };
}

function chooseOutput(names: readonly string[]): string {
  return [textOutput, "last_hidden_state"].find((name) => names.includes(name)) ?? names[0] ?? "";
}

function readFloats(path: string, { type, dims, data }: Tensor, shape: readonly number[]): Float32Array {
  if (data instanceof Float32Array && dims.join() === shape.join()) return data;
  throw unusable(path, `returned ${type} of ${dims.join(" x ")}; float32 of ${shape.join(" x ")} was expected`);
}

async function readPadId(folder: string): Promise<number> {
  const config = JSON.parse(await readFile(join(folder, "config.json"), "utf8")) as { pad_token_id?: number };
  return config.pad_token_id ?? 0;
}

function unusable(path: string, what: string): ReembedError {
  return new ReembedError("model_unusable", `${path} ${what}.`);
}
