import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type ExportedGraph, fixtures, renameValues, rewriteExport, writeFolder } from "@reembed/testing/encoders";
import onnxProto from "onnx-proto";
import { describe, expect, test } from "vitest";
import { openEncoderWeights } from "../encoder-weights.ts";

const { DataLocation } = onnxProto.onnx.TensorProto;
const bert = "bert/opset-12.onnx";
const words = "embeddings.word_embeddings.weight";
const query = "encoder.layer.0.attention.self.query";

describe("an export of an unknown form is refused with the name of the tensor", () => {
  test.each<[string, string, (graph: ExportedGraph) => void]>([
    [
      "a bias has lost its name",
      "encoder.layer.0.intermediate.dense.weight",
      (graph) => {
        renameValues(graph, (name) => name.replace("encoder.layer.0.intermediate.dense.bias", "intermediate_bias"));
      },
    ],
    [
      "two layers share a bias",
      "encoder.layer.0.intermediate.dense.weight",
      (graph) => {
        renameValues(graph, (name) =>
          name.replace("layer.1.intermediate.dense.bias", "layer.0.intermediate.dense.bias"),
        );
      },
    ],
    [
      "the bias is added to no product",
      `${query}.weight`,
      (graph) => {
        for (const node of graph.node) if (node.input?.includes(`${query}.bias`)) node.opType = "Sub";
      },
    ],
    [
      "a LayerNorm is at another place under its own name",
      "encoder.layer.0.output.LayerNorm.weight",
      (graph) => {
        renameValues(graph, (name) => name.replace("layer.0.output.LayerNorm", "layer.0.layernorm_after"));
      },
    ],
  ])("when %s", async (_, name, change) => {
    await using model = await writeFolder({ "onnx/model.onnx": await rewriteExport(bert, change) });
    await using weights = await openEncoderWeights(model.folder);
    expect(() => weights.tensor(name, [16, 16])).toThrow(
      expect.objectContaining({
        code: "weights_incomplete",
        message: `onnx/model.onnx does not show which of its tensors is ${name}.`,
        remedy: expect.stringContaining("model.safetensors"),
      }),
    );
  });
});

test("a Split along another axis is not mistaken for the one into query, key and value", async () => {
  const bytes = await rewriteExport("packed/opset-14.onnx", (graph) => {
    for (const { attribute } of graph.node.filter(({ opType }) => opType === "Split")) {
      for (const axis of attribute ?? []) axis.i = 1;
    }
  });
  await using model = await writeFolder({ "model.onnx": bytes });
  await using weights = await openEncoderWeights(model.folder);
  expect(() => weights.tensor(`${query}.weight`, [16, 16])).toThrow(`which of its tensors is ${query}.weight`);
});

test("query, key and value are told apart by their use, in whatever order they are packed", async () => {
  const path = "packed/opset-14.onnx";
  const bytes = await rewriteExport(path, (graph) => {
    for (const split of graph.node.filter(({ opType }) => opType === "Split")) split.output?.reverse();
  });
  await using model = await writeFolder({ "model.onnx": bytes });
  await using weights = await openEncoderWeights(model.folder);
  await using original = await openEncoderWeights(join(fixtures, "packed"));
  const [found, expected] = [
    weights.tensor(`${query}.bias`, [16]),
    original.tensor(query.replace("query", "value.bias"), [16]),
  ];
  expect(await found.readRows(0, 16)).toEqual(await expected.readRows(0, 16));
});

test.each(["MatMulInteger", "DynamicQuantizeLinear", "DequantizeLinear", "QAttention", "MatMulNBits"])(
  "an export that computes with %s is refused: its weights are rounded",
  async (opType) => {
    const bytes = await rewriteExport(bert, (graph) => graph.node.push(new onnxProto.onnx.NodeProto({ opType })));
    await using model = await writeFolder({ "onnx/model.onnx": bytes });
    await expect(openEncoderWeights(model.folder)).rejects.toMatchObject({
      code: "weights_quantised",
      message: `onnx/model.onnx is quantised: it computes with ${opType}.`,
      remedy: expect.stringContaining("float32"),
    });
  },
);

describe("a damaged export is refused by name", () => {
  test.each([
    ["is cut off", (bytes: Buffer) => bytes.subarray(0, bytes.length / 2)],
    ["is something else", () => Buffer.from("version https://git-lfs.github.com/spec/v1\n")],
    ["is empty", () => Buffer.alloc(0)],
  ])("when it %s", async (_, damage) => {
    const bytes = damage(await readFile(join(fixtures, bert)));
    await using model = await writeFolder({ "onnx/model.onnx": bytes });
    await expect(openEncoderWeights(model.folder)).rejects.toMatchObject({
      code: "weights_damaged",
      message: expect.stringMatching(/^onnx\/model.onnx (is not a whole ONNX file|holds no graph)/),
    });
  });

  test("when a tensor has too few values", async () => {
    const bytes = await rewriteExport(bert, (graph) => {
      for (const tensor of graph.initializer) if (tensor.name === words) tensor.rawData = new Uint8Array(10);
    });
    await using model = await writeFolder({ "onnx/model.onnx": bytes });
    await expect(openEncoderWeights(model.folder)).rejects.toMatchObject({
      code: "weights_damaged",
      message: `onnx/model.onnx has 10 bytes or values for ${words} of 50 x 16, which takes 3200.`,
    });
  });

  test.each([
    ["is missing", { location: "weights" }, "weights_missing", /onnx\/weights is missing/],
    ["is too short", { location: "short" }, "weights_damaged", /^onnx\/short has 8 bytes/],
    ["is read from before its beginning", { location: "short", offset: "-8" }, "weights_damaged", /^onnx\/short has 8/],
    ["lies outside of its folder", { location: "../config.json" }, "weights_damaged", /"..\/config.json", outside/],
    ["has an absolute path", { location: "/etc/hostname" }, "weights_damaged", /"\/etc\/hostname", outside/],
    ["has no location", {}, "weights_damaged", /"", outside/],
  ])("when the file of a tensor %s", async (_, entries, code, message) => {
    const bytes = await rewriteExport(bert, (graph) => {
      for (const tensor of graph.initializer.filter(({ name }) => name === words)) {
        tensor.rawData = new Uint8Array();
        tensor.dataLocation = DataLocation.EXTERNAL;
        tensor.externalData = Object.entries(entries).map(([key, value]) => ({ key, value }));
      }
    });
    await using model = await writeFolder({ "onnx/model.onnx": bytes, "onnx/short": "8 bytes.", "config.json": "{}" });
    await expect(openEncoderWeights(model.folder)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });
});
