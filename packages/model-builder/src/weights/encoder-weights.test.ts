import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  encodeSafetensors,
  expectSameWeights,
  fixtures,
  readAll,
  type StoredValues,
  writeFolder,
} from "@reembed/testing/encoders";
import { describe, expect, test } from "vitest";
import { openEncoderWeights, openModuleWeights } from "./encoder-weights.ts";

const bert = join(fixtures, "bert");

test("linear weights are returned as [in, out], the transpose of a checkpoint's", async () => {
  const data = Float32Array.of(11, 12, 13, 21, 22, 23);
  await using model = await writeFolder({
    "model.safetensors": encodeSafetensors({
      "encoder.layer.0.intermediate.dense.weight": { dtype: "F32", shape: [2, 3], data },
      "embeddings.position_embeddings.weight": { dtype: "F32", shape: [2, 3], data },
    }),
  });
  await using weights = await openEncoderWeights(model.folder);
  const linear = weights.tensor("encoder.layer.0.intermediate.dense.weight", [3, 2]);
  expect(linear.dims).toEqual([3, 2]);
  expect([...(await linear.readRows(0, 3))]).toEqual([11, 21, 12, 22, 13, 23]);
  expect([...(await linear.readRows(1, 2))]).toEqual([12, 22]);
  const table = weights.tensor("embeddings.position_embeddings.weight", [2, 3]);
  expect([...(await table.readRows(1, 2))]).toEqual([21, 22, 23]);
});

test("a matrix larger than one block of reading is transposed whole", async () => {
  const [rows, columns] = [1031, 1283];
  const data = Float32Array.from({ length: rows * columns }, (_, index) => index);
  await using model = await writeFolder({
    "model.safetensors": encodeSafetensors({ "pooler.dense.weight": { dtype: "F32", shape: [rows, columns], data } }),
  });
  await using weights = await openEncoderWeights(model.folder);
  const values = await weights.tensor("pooler.dense.weight", [columns, rows]).readRows(5, 1283);
  for (const [row, column] of [
    [0, 5],
    [1030, 5],
    [0, 1282],
    [1030, 1282],
    [817, 640],
    [818, 641],
  ] as const) {
    expect(values[(column - 5) * rows + row]).toBe(row * columns + column);
  }
});

test.each(["bert.", "roberta.", "model.", "0.auto_model."])("tensors with the prefix %s are found", async (prefix) => {
  const tensors = await tensorsOfBert();
  const prefixed = Object.fromEntries(Object.entries(tensors).map(([name, values]) => [prefix + name, values]));
  await using model = await writeFolder({ "model.safetensors": encodeSafetensors(prefixed) });
  await using weights = await openEncoderWeights(model.folder);
  await using expected = await openEncoderWeights(bert);
  await expectSameWeights(weights, expected, "bert");
});

test("TensorFlow's gamma and beta of a LayerNorm are read as its weight and bias", async () => {
  const tensors = await tensorsOfBert();
  const renamed = Object.entries(tensors).map(([name, values]) => [
    name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"),
    values,
  ]);
  await using model = await writeFolder({ "model.safetensors": encodeSafetensors(Object.fromEntries(renamed)) });
  await using weights = await openEncoderWeights(model.folder);
  await using expected = await openEncoderWeights(bert);
  await expectSameWeights(weights, expected, "bert");
});

test("a checkpoint in shards is read from all of them", async () => {
  const entries = Object.entries(await tensorsOfBert());
  const shards = [entries.slice(0, 7), entries.slice(7)].map(Object.fromEntries);
  const names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
  const index = { weight_map: Object.fromEntries(entries.map(([name], at) => [name, names[at < 7 ? 0 : 1]])) };
  const files = names.map((name, at) => [name, encodeSafetensors(shards[at] ?? {})]);
  await using model = await writeFolder({
    ...Object.fromEntries(files),
    "model.safetensors.index.json": JSON.stringify(index),
  });
  await using weights = await openEncoderWeights(model.folder);
  expect(weights.files).toEqual(names);
  await using expected = await openEncoderWeights(bert);
  await expectSameWeights(weights, expected, "bert");
});

test("a missing shard is named, and so is an index that is damaged or points outside the folder", async () => {
  const index = "model.safetensors.index.json";
  await using lacking = await writeFolder({ [index]: JSON.stringify({ weight_map: { a: "model-1.safetensors" } }) });
  await expect(openEncoderWeights(lacking.folder)).rejects.toMatchObject({
    code: "weights_missing",
    message: `${join(lacking.folder, "model-1.safetensors")} is missing.`,
  });
  await using damaged = await writeFolder({ [index]: "{" });
  await expect(openEncoderWeights(damaged.folder)).rejects.toMatchObject({ code: "weights_damaged" });
  await using leaving = await writeFolder({ [index]: JSON.stringify({ weight_map: { a: "../model.safetensors" } }) });
  await expect(openEncoderWeights(leaving.folder)).rejects.toMatchObject({
    code: "weights_damaged",
    message: expect.stringContaining("outside"),
  });
});

describe("in a model's folder", () => {
  test("the checkpoint is preferred to the export", async () => {
    const checkpoint = await readFile(join(bert, "model.safetensors"));
    await using model = await writeFolder({ "model.safetensors": checkpoint, "onnx/model.onnx": "not even ONNX" });
    await using weights = await openEncoderWeights(model.folder);
    expect(weights.files).toEqual(["model.safetensors"]);
  });

  test.each(["onnx/model.onnx", "model.onnx"])("%s is read if there is no checkpoint", async (path) => {
    await using model = await writeFolder({ [path]: await readFile(join(bert, "opset-17.onnx")) });
    await using weights = await openEncoderWeights(model.folder);
    expect(weights.files).toEqual([path]);
    expect(Object.keys(await readAll(weights, "bert"))).toHaveLength(37);
  });

  test("an error names all possible files if there is none", async () => {
    await using model = await writeFolder({ "config.json": "{}" });
    await expect(openEncoderWeights(model.folder)).rejects.toMatchObject({
      code: "weights_missing",
      message: expect.stringContaining("model.safetensors, onnx/model.onnx, model.onnx, pytorch_model.bin"),
    });
  });
});

test("the dense layer of a sentence-transformers model is opened by its module's folder", async () => {
  const weight = { dtype: "F32", shape: [2, 3], data: Float32Array.of(11, 12, 13, 21, 22, 23) };
  const bias = { dtype: "F32", shape: [2], data: Float32Array.of(1, 2) };
  await using model = await writeFolder({
    "2_Dense/model.safetensors": encodeSafetensors({ "linear.weight": weight, "linear.bias": bias }),
  });
  await using weights = await openModuleWeights(model.folder, "2_Dense");
  expect(weights.files).toEqual(["2_Dense/model.safetensors"]);
  expect([...(await weights.tensor("linear.weight", [3, 2]).readRows(0, 3))]).toEqual([11, 21, 12, 22, 13, 23]);
  expect([...(await weights.tensor("linear.bias", [2]).readRows(0, 2))]).toEqual([1, 2]);
});

test("a missing tensor, other dimensions, and rows out of range are refused with the tensor's name", async () => {
  await using weights = await openEncoderWeights(bert);
  expect(() => weights.tensor("encoder.layer.2.output.dense.bias", [16])).toThrow(
    expect.objectContaining({
      code: "weights_incomplete",
      message: "model.safetensors has no tensor encoder.layer.2.output.dense.bias.",
    }),
  );
  expect(() => weights.tensor("encoder.layer.0.output.dense.weight", [16, 24])).toThrow(
    expect.objectContaining({
      code: "weights_differ",
      message: "encoder.layer.0.output.dense.weight of model.safetensors is 24 x 16; 16 x 24 was expected.",
    }),
  );
  const bias = weights.tensor("encoder.layer.0.output.dense.bias", [16]);
  await expect(bias.readRows(0, 17)).rejects.toThrow(RangeError);
});

test("a file with two encoders is refused, because either could be meant", async () => {
  const words = { dtype: "F32", shape: [1, 1], data: new Float32Array(1) };
  const names = ["ctx_encoder.embeddings.word_embeddings.weight", "question_encoder.embeddings.word_embeddings.weight"];
  const tensors = Object.fromEntries(names.map((name) => [name, words]));
  await using model = await writeFolder({ "model.safetensors": encodeSafetensors(tensors) });
  await expect(openEncoderWeights(model.folder)).rejects.toMatchObject({
    code: "weights_unsupported",
    message: `model.safetensors holds several encoders: ${names.join(", ")}.`,
  });
});

/** The tensors of the checkpoint, with linear weights as [out, in]. */
async function tensorsOfBert(): Promise<Record<string, StoredValues>> {
  const file = await readFile(join(bert, "model.safetensors"));
  const start = 8 + Number(file.readBigUInt64LE());
  const header: Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }> = JSON.parse(
    file.toString("utf8", 8, start),
  );
  const { __metadata__, ...entries } = header;
  return Object.fromEntries(
    Object.entries(entries).map(
      ([
        name,
        {
          dtype,
          shape,
          data_offsets: [begin, end],
        },
      ]) => [name, { dtype, shape, data: file.subarray(start + begin, start + end) }],
    ),
  );
}
