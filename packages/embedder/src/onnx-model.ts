import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ReembedError } from "@reembed/core";
import { env, InferenceSession, Tensor } from "onnxruntime-node";
import type { InferenceRequest, InferenceSettings } from "./inference-messages.ts";
import { normalize, poolTokens } from "./pooling.ts";

const textOutput = "sentence_embedding";
const knownInputs: readonly string[] = ["input_ids", "attention_mask", "token_type_ids"];

/**
 * Loads the model's graph; what it returns runs it and gives the texts' vectors of length 1, one after another.
 * An output `sentence_embedding` is [texts, dimensions]; any other is [texts, length, dimensions] and is pooled here.
 * @throws ReembedError `model_unusable`, from the run too, when inputs or outputs are not those of the model.
 */
export async function loadOnnxModel({
  folder,
  graph,
  prepared,
  device,
  threads,
  dimensions,
  pooling,
}: InferenceSettings) {
  // What ONNX Runtime logs as an error it also throws: logged, it would be said twice, once in a format of its own.
  env.logLevel = "fatal";
  const session = await InferenceSession.create(graph, {
    executionProviders: [executionProvider(device)],
    // The arena keeps its peak for ever: after one long text a worker would hold its gigabytes to the end. Without it a
    // run of 1,500 tokens takes 2 % more time.
    enableCpuMemArena: false,
    // On a CPU, ONNX Runtime's fused operators are slower than the plain ones of a prepared graph.
    graphOptimizationLevel: prepared && device === "cpu" ? "basic" : "all",
    ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
  });
  const { inputNames, outputNames } = session;
  const unknown = inputNames.filter((name) => !knownInputs.includes(name));
  if (unknown.length > 0) throw unusable(graph, `wants the unknown input ${unknown.join(", ")}`);
  const output = chooseOutput(outputNames);
  const padId = await readPadId(folder);

  return async (request: InferenceRequest): Promise<Float32Array> => {
    const { lengths, length } = request;
    const texts = lengths.length;
    const inputs = makeInputs(request, padId);
    const feeds = Object.fromEntries(
      inputNames.map((name) => [name, new Tensor("int64", inputs[name] ?? [], [texts, length])]),
    );
    const result = (await session.run(feeds, [output]))[output] as Tensor;
    if (output === textOutput) return normalize(readFloats(graph, result, [texts, dimensions]), dimensions);
    const tokens = readFloats(graph, result, [texts, length, dimensions]);
    return normalize(poolTokens(tokens, lengths, length, pooling), dimensions);
  };
}

/** `cuda:1` is the second GPU. There is no fall-back to another device: it would be slow and go unnoticed. */
function executionProvider(device: string): InferenceSession.ExecutionProviderConfig {
  const gpu = device.match(/^cuda:(\d+)$/)?.[1];
  return gpu === undefined ? device : { name: "cuda", deviceId: Number(gpu) };
}

function chooseOutput(names: readonly string[]): string {
  return [textOutput, "last_hidden_state"].find((name) => names.includes(name)) ?? names[0] ?? "";
}

function makeInputs({ inputIds, lengths, length }: InferenceRequest, padId: bigint): Record<string, BigInt64Array> {
  const ids = BigInt64Array.from(inputIds, BigInt);
  const mask = new BigInt64Array(ids.length);
  lengths.forEach((tokens, row) => {
    mask.fill(1n, row * length, row * length + tokens);
    ids.fill(padId, row * length + tokens, (row + 1) * length);
  });
  return { input_ids: ids, attention_mask: mask, token_type_ids: new BigInt64Array(ids.length) };
}

function readFloats(path: string, { type, dims, data }: Tensor, shape: readonly number[]): Float32Array {
  if (data instanceof Float32Array && dims.join() === shape.join()) return data;
  throw unusable(path, `returned ${type} of ${dims.join(" x ")}; float32 of ${shape.join(" x ")} was expected`);
}

async function readPadId(folder: string): Promise<bigint> {
  const config = JSON.parse(await readFile(join(folder, "config.json"), "utf8")) as { pad_token_id?: number };
  return BigInt(config.pad_token_id ?? 0);
}

function unusable(path: string, what: string): ReembedError {
  return new ReembedError("model_unusable", `${path} ${what}.`);
}
