import { expect, test } from "vitest";
import { randomWeights } from "./random-weights.ts";

const read = (name: string, dims: number[], start: number, end: number) =>
  randomWeights.tensor(name, dims).readRows(start, end);

test("a row has the same values in whatever pieces it is read", async () => {
  const table = await read("embeddings.word_embeddings.weight", [100, 8], 0, 100);
  expect(await read("embeddings.word_embeddings.weight", [100, 8], 40, 60)).toEqual(table.subarray(40 * 8, 60 * 8));
});

test("two tensors, and two rows of one tensor, have different values", async () => {
  const query = await read("encoder.layer.0.attention.self.query.weight", [8, 8], 0, 8);
  expect(await read("encoder.layer.1.attention.self.query.weight", [8, 8], 0, 8)).not.toEqual(query);
  expect(query.subarray(0, 8)).not.toEqual(query.subarray(8, 16));
});

test("a linear layer preserves the size of its inputs", async () => {
  const inputs = 512;
  const matrix = await read("encoder.layer.0.intermediate.dense.weight", [inputs, 64], 0, inputs);
  const variance = matrix.reduce((sum, value) => sum + value * value, 0) / matrix.length;
  expect(variance * inputs).toBeCloseTo(1, 1);
});
