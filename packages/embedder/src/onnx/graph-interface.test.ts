import { Tensor } from "onnxruntime-node";
import { expect, test } from "vitest";
import { chooseOutput, emptyCaches, inTypeOf, unknownInputs } from "./graph-interface.ts";

function value(name: string, shape: (number | string)[], type = "float32") {
  return { name, isTensor: true as const, type: type as "float32", shape };
}

const tokens = ["texts", "length", 384];
const vector = ["texts", 384];

test.each([
  [
    "a vector of the text before vectors of tokens",
    [value("token_embeddings", tokens), value("sentence_embedding", vector)],
    "sentence_embedding",
  ],
  [
    "the last hidden state beside the pooler's output",
    [value("pooler_output", vector), value("last_hidden_state", tokens)],
    "last_hidden_state",
  ],
  ["the only output, whatever its name", [value("embeddings", vector)], "embeddings"],
  ["the only one of tokens, among nameless ones", [value("1512", tokens), value("1513", vector)], "1512"],
  ["none of two of tokens without a usual name", [value("a", tokens), value("b", tokens)], undefined],
])("of a graph's outputs is read: %s", (_, outputs, expected) => {
  expect(chooseOutput(outputs)).toBe(expected);
});

test("a decoder gets caches without any token, in the graph's type, and no other input is made up", () => {
  const inputs = [
    value("input_ids", ["batch", "length"]),
    value("past_key_values.0.key", ["batch", 8, "past", 128]),
    value("past_key_values.0.value", ["batch", 8, "past", 128], "float16"),
  ];
  const caches = emptyCaches(inputs, 3);
  expect(Object.entries(caches).map(([name, { type, dims }]) => [name, type, dims])).toEqual([
    ["past_key_values.0.key", "float32", [3, 8, 0, 128]],
    ["past_key_values.0.value", "float16", [3, 8, 0, 128]],
  ]);
  expect(unknownInputs([...inputs.map(({ name }) => name), "pixel_values"], ["input_ids"])).toEqual(["pixel_values"]);
});

test("token ids are given in int32 where the graph wants that", () => {
  const ids = new Tensor("int64", BigInt64Array.of(5n, 6n), [1, 2]);
  expect(inTypeOf(value("input_ids", ["batch", "length"], "int64"), ids)).toBe(ids);
  const narrow = inTypeOf(value("input_ids", ["batch", "length"], "int32"), ids);
  expect([narrow.type, narrow.dims, [...narrow.data]]).toEqual(["int32", [1, 2], [5, 6]]);
});
