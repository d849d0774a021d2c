import { encodeSafetensors, safetensorsOf, writeFolder } from "@reembed/testing/encoders";
import { describe, expect, test } from "vitest";
import { openEncoderWeights } from "./encoder-weights.ts";

const name = "embeddings.word_embeddings.weight";

describe("16-bit floats are widened to the same number", () => {
  // Includes zeros, subnormals, the largest values and infinities of each format.
  test("from float16", async () => {
    const numbers = [0, -0, 1, -2.5, 1 / 3, 65504, 2 ** -24, 6.1e-5, Number.POSITIVE_INFINITY, Number.NaN];
    const data = new Float16Array(numbers);
    expect(await readStored("F16", data)).toEqual(Float32Array.from(data));
  });

  test("from bfloat16", async () => {
    const bits = new Uint16Array([0x0000, 0x8000, 0x3f80, 0xc020, 0x3eab, 0x7f7f, 0x0001, 0xff80, 0x7fc0]);
    const expected = new Float32Array(Uint32Array.from(bits, (half) => half << 16).buffer);
    expect([...expected.subarray(2, 4)]).toEqual([1, -2.5]);
    expect(await readStored("BF16", bits)).toEqual(expected);
  });
});

test("an integer tensor is refused with its type, but only when it is read", async () => {
  const ids = { dtype: "I64", shape: [1, 1], data: new BigInt64Array(1) };
  await using model = await writeFolder({ "model.safetensors": encodeSafetensors({ "embeddings.position_ids": ids }) });
  await using weights = await openEncoderWeights(model.folder);
  await expect(weights.tensor("embeddings.position_ids", [1, 1]).readRows(0, 1)).rejects.toMatchObject({
    code: "weights_unsupported",
    message: "embeddings.position_ids of model.safetensors is stored as I64.",
  });
});

test.each([
  ["cut before its header", Buffer.alloc(5), "has 5 bytes and no header"],
  [
    "whose header is longer than it",
    safetensorsOf("{}", new Uint8Array(4)).fill(9, 0, 1),
    "a header of 9 bytes but has 14",
  ],
  ["with an absurd length", Buffer.alloc(16, 0xff), "announces a header of 18446744073709552000 bytes"],
  ["with a header that is not JSON", safetensorsOf('{"a":', new Uint8Array(4)), "has a header that is not JSON"],
  ["with a header that is not an object", safetensorsOf("null", new Uint8Array(4)), "is not a JSON object"],
  ["that places a tensor beyond its end", headerOf([0, 16]), `places ${name} at bytes 0 to 16 of its 8 bytes`],
  ["that places a tensor backwards", headerOf([8, 0]), `places ${name} at bytes 8 to 0`],
  ["that places a tensor before its beginning", headerOf([-8, 0]), `no dtype, shape and data_offsets for ${name}`],
  ["with too few bytes for a shape", headerOf([0, 4]), `has 4 bytes for ${name}; F32 of 1 x 2 takes 8`],
])("a file %s is refused with its name", async (_, content, message) => {
  await using model = await writeFolder({ "model.safetensors": content });
  await expect(openEncoderWeights(model.folder)).rejects.toMatchObject({
    code: "weights_damaged",
    message: expect.stringMatching(new RegExp(`^model.safetensors .*${message}`)),
    remedy: "Download the file again.",
  });
});

function headerOf(offsets: number[]): Buffer {
  return safetensorsOf(
    JSON.stringify({ [name]: { dtype: "F32", shape: [1, 2], data_offsets: offsets } }),
    Buffer.alloc(8),
  );
}

async function readStored(dtype: string, data: Uint16Array | Float16Array): Promise<Float32Array> {
  const tensors = { [name]: { dtype, shape: [data.length, 1], data } };
  await using model = await writeFolder({ "model.safetensors": encodeSafetensors(tensors) });
  await using weights = await openEncoderWeights(model.folder);
  return await weights.tensor(name, [data.length, 1]).readRows(0, data.length);
}
