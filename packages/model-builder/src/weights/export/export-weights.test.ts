import { cp, mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import {
  type EncoderKind,
  type ExportedGraph,
  encodeFusedBert,
  expectSameWeights,
  fixtures,
  readAll,
  renameValues,
  rewriteExport,
  writeFolder,
} from "@reembed/testing/encoders";
import onnxProto from "onnx-proto";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { type EncoderWeights, openEncoderWeights } from "../encoder-weights.ts";

const { DataType, DataLocation } = onnxProto.onnx.TensorProto;

describe("every tensor is bit-identical to the checkpoint's", () => {
  test.each([
    ["opset 12, LayerNorm in its parts, transposed weights without names", "bert/opset-12.onnx"],
    ["opset 14 without constant folding: Transpose before every MatMul", "bert/opset-14-unfolded.onnx"],
    ["opset 17, LayerNormalization", "bert/opset-17.onnx"],
    ["XLM-RoBERTa in sentence-transformers, names that begin with 0.auto_model", "xlm-roberta/opset-17.onnx"],
    ["query, key and value in one product and a Split", "packed/opset-14.onnx"],
  ])("in PyTorch's export of %s", async (_, path) => {
    await expectAsCheckpoint(await readFile(join(fixtures, path)), path);
  });

  test("in an export that keeps its tensors in another file", async () => {
    await using model = await writeFolder({});
    for (const suffix of ["", "_data"]) {
      const to = join(model.folder, `onnx/${suffix === "" ? "model.onnx" : "opset-14-external.onnx_data"}`);
      await mkdir(dirname(to), { recursive: true });
      await cp(join(fixtures, `xlm-roberta/opset-14-external.onnx${suffix}`), to);
    }
    await using weights = await openEncoderWeights(model.folder);
    expect(weights.files).toEqual(["onnx/model.onnx", "onnx/opset-14-external.onnx_data"]);
    await using expected = await checkpointOf("xlm-roberta");
    await expectSameWeights(weights, expected, "xlm-roberta");
  });

  test("in one that keeps each tensor in a file of its own, as PyTorch does beyond 2 GB", async () => {
    const files: Record<string, Uint8Array> = {};
    files["onnx/model.onnx"] = await rewriteExport("bert/opset-12.onnx", (graph) => {
      for (const tensor of graph.initializer) {
        const location = (tensor.name ?? "").replace("::", "__");
        files[`onnx/${location}`] = tensor.rawData ?? new Uint8Array();
        tensor.dataLocation = DataLocation.EXTERNAL;
        tensor.externalData = [{ key: "location", value: location }];
        tensor.rawData = new Uint8Array();
      }
    });
    await using model = await writeFolder(files);
    await using weights = await openEncoderWeights(model.folder);
    expect(weights.files).toContain("onnx/onnx__MatMul_298");
    await using expected = await checkpointOf("bert");
    await expectSameWeights(weights, expected, "bert");
  });

  test.each(["basic", "extended"] as const)("in what ONNX Runtime saves after %s optimization", async (level) => {
    for (const path of ["bert/opset-12.onnx", "bert/opset-14-unfolded.onnx", "packed/opset-14.onnx"]) {
      await using model = await writeFolder({});
      const optimizedModelFilePath = join(model.folder, "model.onnx");
      const session = await InferenceSession.create(join(fixtures, path), {
        graphOptimizationLevel: level,
        optimizedModelFilePath,
        logSeverityLevel: 3,
      });
      await session.release();
      await expectAsCheckpoint(await readFile(optimizedModelFilePath), path);
    }
  });

  test.each([
    ["Attention", "BiasGelu"],
    ["MultiHeadAttention", "FastGelu"],
  ] as const)("where %s and %s were fused by its transformer optimizer", async (attention, activation) => {
    await using checkpoint = await checkpointOf("bert");
    const graph = encodeFusedBert(await readAll(checkpoint, "bert"), attention, activation);
    // This graph is our own: computing what PyTorch's graph computes shows that it uses the operators correctly.
    const expected = await run(await readFile(join(fixtures, "bert/opset-12.onnx")));
    const found = await run(graph);
    expect(Math.max(...found.map((value, at) => Math.abs(value - (expected[at] ?? 0))))).toBeLessThan(0.02);
    await expectAsCheckpoint(graph, "bert/opset-12.onnx");
  });

  test.each<[string, (graph: ExportedGraph) => void]>([
    ["with float16 weights", (graph) => store(graph, DataType.FLOAT16, "rawData")],
    ["with float16 weights as integers", (graph) => store(graph, DataType.FLOAT16, "int32Data")],
    ["with weights in float_data", (graph) => store(graph, DataType.FLOAT, "floatData")],
    ["with biases added as the second operand", reverseAdditions],
    ["with numbers for names, as torch.export gives them", renameToNumbers],
    [
      "with LayerNorms without names",
      (graph) => renameValues(graph, (name) => name.replace(/\.LayerNorm\./, "_norm_")),
    ],
    ["with initializers copied by Identity", copyInitializers],
    ["with constants as nodes", makeConstantNodes],
  ])("in an export %s", async (_, change) => {
    for (const path of ["bert/opset-12.onnx", "bert/opset-17.onnx", "packed/opset-14.onnx"]) {
      await expectAsCheckpoint(await rewriteExport(path, change), path);
    }
  });

  test("in the pooler, a Gemm whose weight keeps its name and orientation", async () => {
    await using model = await writeFolder({ "model.onnx": await readFile(join(fixtures, "bert/opset-12.onnx")) });
    await using weights = await openEncoderWeights(model.folder);
    await using expected = await checkpointOf("bert");
    for (const [name, dims] of [
      ["pooler.dense.weight", [16, 16]],
      ["pooler.dense.bias", [16]],
    ] as const) {
      const [found, original] = [weights, expected].map((from) => from.tensor(name, dims).readRows(0, 16));
      expect(await found).toEqual(await original);
    }
  });

  test("in an export that stores equal biases once, so that only their use tells them apart", async () => {
    const shared = /attention\.self\.(query|key|value)\.bias$/;
    const bytes = await rewriteExport("bert/opset-12.onnx", (graph) => {
      renameValues(graph, (name) => name.replace(shared, "self_bias"));
    });
    await using model = await writeFolder({ "model.onnx": bytes });
    await using weights = await openEncoderWeights(model.folder);
    await using expected = await checkpointOf("bert");
    for (const part of ["query", "key", "value"]) {
      const [found, original] = [weights, expected].map((from) =>
        from.tensor(`encoder.layer.1.attention.self.${part}.weight`, [16, 16]).readRows(0, 16),
      );
      expect(await found).toEqual(await original);
    }
  });
});

/** The weights of the fixtures have 10 bits, which float16 represents exactly. */
async function expectAsCheckpoint(bytes: Uint8Array, path: string): Promise<void> {
  await using model = await writeFolder({ "onnx/model.onnx": bytes });
  await using weights = await openEncoderWeights(model.folder);
  await using expected = await checkpointOf(dirname(path));
  await expectSameWeights(weights, expected, kindOf(path));
}

function kindOf(path: string): EncoderKind {
  return path.startsWith("xlm-roberta") ? "xlm-roberta" : "bert";
}

async function checkpointOf(folder: string): Promise<EncoderWeights> {
  return await openEncoderWeights(join(fixtures, folder));
}

async function run(bytes: Uint8Array): Promise<Float32Array> {
  const session = await InferenceSession.create(bytes);
  const input = (...ids: bigint[]) => new Tensor("int64", BigInt64Array.from(ids), [1, ids.length]);
  const feeds = { input_ids: input(5n, 6n, 7n), attention_mask: input(1n, 1n, 1n), token_type_ids: input(0n, 0n, 1n) };
  const { last_hidden_state: output } = await session.run(feeds);
  await session.release();
  return output?.data as Float32Array;
}

function store(graph: ExportedGraph, dataType: number, field: "rawData" | "int32Data" | "floatData"): void {
  for (const tensor of graph.initializer.filter((candidate) => candidate.dataType === DataType.FLOAT)) {
    const values = new Float32Array(Uint8Array.from(tensor.rawData ?? []).buffer);
    const halves = new Float16Array(values);
    tensor.dataType = dataType;
    tensor.rawData = field === "rawData" ? new Uint8Array(halves.buffer) : new Uint8Array();
    if (field === "int32Data") tensor.int32Data = [...new Uint16Array(halves.buffer)];
    if (field === "floatData") tensor.floatData = [...values];
  }
}

function reverseAdditions(graph: ExportedGraph): void {
  for (const node of graph.node) if (node.opType === "Add") node.input?.reverse();
}

function renameToNumbers(graph: ExportedGraph): void {
  const numbers = new Map<string, string>();
  renameValues(graph, (name) => {
    if (/\.(weight|bias)$/.test(name)) return name;
    if (!numbers.has(name)) numbers.set(name, `val_${numbers.size}`);
    return numbers.get(name) ?? name;
  });
}

function copyInitializers(graph: ExportedGraph): void {
  for (const tensor of graph.initializer.filter(({ name }) => name?.startsWith("encoder."))) {
    const name = tensor.name ?? "";
    tensor.name = `${name}_shared`;
    graph.node.unshift({ opType: "Identity", input: [tensor.name], output: [name] });
  }
}

function makeConstantNodes(graph: ExportedGraph): void {
  for (const tensor of graph.initializer.splice(0)) {
    graph.node.unshift({ opType: "Constant", output: [tensor.name ?? ""], attribute: [{ name: "value", t: tensor }] });
  }
}
