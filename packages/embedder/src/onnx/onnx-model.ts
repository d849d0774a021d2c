import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ReembedError } from "@reembed/core";
import { env, InferenceSession, type Tensor } from "onnxruntime-node";
import { chooseOutput, emptyCaches, inTypeOf, unknownInputs } from "./graph-interface.ts";
import type { InferenceRequest, InferenceSettings } from "./inference-messages.ts";
import { packedInputs, packTexts, paddedInputs, padTexts } from "./model-inputs.ts";
import { poolTokens } from "./pooling.ts";

/** Families whose positions are counted from the one after the padding's id. */
const countAfterPadding: readonly string[] = ["roberta", "xlm-roberta", "camembert", "mpnet"];

/**
 * Loads the model's graph. The result runs it and returns the vectors of the texts, of any length, concatenated. An output
 * [texts, dimensions] has them as they are; one of [texts, length, dimensions] is pooled.
 * @throws ReembedError `model_unusable` if inputs or outputs do not fit the model; also thrown by a run.
 */
export async function loadOnnxModel(settings: InferenceSettings) {
  const { graph, layout, dimensions, pooling } = settings;
  const session = await openSession(settings);
  const { inputNames, inputMetadata, outputNames } = session;
  const unknown = unknownInputs(inputNames, layout === "packed" ? packedInputs : paddedInputs);
  if (unknown.length > 0) throw unusable(graph, `has the unknown input ${unknown.join(", ")}`);
  const output = chooseOutput(session.outputMetadata);
  if (output === undefined) throw unusable(graph, `has the outputs ${outputNames.join(", ")}, and no usual one`);
  const padding = await readPadding(settings);

  return async (request: InferenceRequest): Promise<Float32Array> => {
    const texts = request.lengths.length;
    const inputs = layout === "packed" ? packTexts(request) : padTexts(request, padding);
    const feeds = emptyCaches(inputMetadata, texts);
    for (const input of inputMetadata) {
      const values = inputs[input.name];
      if (values !== undefined) feeds[input.name] = inTypeOf(input, values);
    }
    const result = (await session.run(feeds, [output]))[output] as Tensor;
    if (result.dims.length === 2) return readFloats(graph, result, [texts, dimensions]);
    if (padding.dense) {
      throw unusable(graph, "gives vectors of tokens, and this model has a dense layer after pooling: prepare it");
    }
    const longest = Math.max(...request.lengths);
    const tokens = readFloats(graph, result, [texts, longest, dimensions]);
    return poolTokens(tokens, request.lengths, longest, pooling);
  };
}

async function openSession({ graph, prepared, device, threads }: InferenceSettings): Promise<InferenceSession> {
  // ONNX Runtime also throws what it logs as an error: with logging on, each error would appear twice, in two formats.
  env.logLevel = "fatal";
  return await InferenceSession.create(graph, {
    executionProviders: [executionProvider(device)],
    // The arena never shrinks: after one long text a worker would keep gigabytes until its end. Without the arena, a run of
    // 1,500 tokens takes 2 % longer.
    enableCpuMemArena: false,
    // On a CPU, ONNX Runtime's fused operators are slower than the plain operators of a prepared graph.
    graphOptimizationLevel: prepared && device === "cpu" ? "basic" : "all",
    ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
  });
}

/** `cuda:1` is the second GPU. There is no fallback to another device: it would be slow and nobody would notice. */
function executionProvider(device: string): InferenceSession.ExecutionProviderConfig {
  const gpu = device.match(/^cuda:(\d+)$/)?.[1];
  return gpu === undefined ? device : { name: "cuda", deviceId: Number(gpu) };
}

function readFloats(path: string, { type, dims, data }: Tensor, shape: readonly number[]): Float32Array {
  if (data instanceof Float32Array && dims.join() === shape.join()) return data;
  throw unusable(path, `returned ${type} of ${dims.join(" x ")}; float32 of ${shape.join(" x ")} was expected`);
}

/** What the model's folder says of padding and positions, and whether vectors are changed after pooling. */
async function readPadding({ folder }: InferenceSettings) {
  const config = JSON.parse(await readFile(join(folder, "config.json"), "utf8")) as Record<string, unknown>;
  const padId = typeof config.pad_token_id === "number" ? config.pad_token_id : 0;
  const firstPosition = countAfterPadding.includes(String(config.model_type)) ? padId + 1 : 0;
  return { padId, firstPosition, dense: existsSync(join(folder, "2_Dense/config.json")) };
}

function unusable(path: string, what: string): ReembedError {
  return new ReembedError("model_unusable", `${path} ${what}.`);
}
