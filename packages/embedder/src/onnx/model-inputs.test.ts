import { expect, test } from "vitest";
import { packTexts, padTexts } from "./model-inputs.ts";

const texts = { ids: Int32Array.of(10, 11, 12, 20, 30, 31), lengths: Int32Array.of(3, 1, 2) };

function values(inputs: ReturnType<typeof packTexts>) {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, { data, dims }]) => [
      name,
      { dims, values: Array.from(data as Int32Array, Number) },
    ]),
  );
}

test("padded texts end with padding tokens, which the mask marks", () => {
  expect(values(padTexts(texts, { padId: 1, firstPosition: 2 }))).toEqual({
    input_ids: { dims: [3, 3], values: [10, 11, 12, 20, 1, 1, 30, 31, 1] },
    attention_mask: { dims: [3, 3], values: [1, 1, 1, 1, 0, 0, 1, 1, 0] },
    token_type_ids: { dims: [3, 3], values: Array(9).fill(0) },
    position_ids: { dims: [3, 3], values: [2, 3, 4, 2, 3, 4, 2, 3, 4] },
  });
});

test("packed texts are concatenated, with the place that each token would have if they were padded", () => {
  expect(values(packTexts(texts))).toEqual({
    input_ids: { dims: [6], values: [10, 11, 12, 20, 30, 31] },
    position_ids: { dims: [6], values: [0, 1, 2, 0, 0, 1] },
    token_offset: { dims: [3, 3], values: [0, 1, 2, 3, 6, 7, 4, 5, 8] },
    cumulative_sequence_length: { dims: [4], values: [0, 3, 4, 6] },
  });
});
