import { existsSync } from "node:fs";
import { copyFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expectSameWeights, fixtures, writeFolder } from "@reembed/testing/encoders";
import { describe, expect, test } from "vitest";
import { openEncoderWeights, openModuleWeights } from "../encoder-weights.ts";

const torch = join(fixtures, "torch");

test("the pickle of a state_dict has the same weights as its safetensors", async () => {
  await using model = await holding(join(fixtures, "bert/pytorch_model.bin"));
  await using weights = await openEncoderWeights(model.folder);
  expect(weights.files).toEqual(["pytorch_model.bin"]);
  await using expected = await openEncoderWeights(join(fixtures, "bert"));
  await expectSameWeights(weights, expected, "bert");
});

describe("a tensor is read", () => {
  const counted = [0, 1, 2, 3, 4, 5];
  test.each([
    ["in float32", "numbers", counted],
    ["in float16", "half", counted],
    ["in bfloat16", "bfloat16", counted],
    ["as a parameter", "parameter", counted],
    ["that shares its storage with another", "tied", counted],
    ["from the middle of its storage", "part", [4, 5, 6, 7, 8, 9]],
    ["that is the transpose of what is stored", "transposed", [0, 2, 4, 1, 3, 5]],
    ["with gaps between its values", "every other", [0, 2, 4, 6, 8, 10]],
    ["whose rows are one row of its storage", "repeated", [0, 1, 2, 0, 1, 2]],
  ])("%s", async (_, name, expected) => {
    await using model = await holding(join(torch, "layouts.bin"));
    await using weights = await openEncoderWeights(model.folder);
    const tensor = weights.tensor(name, [2, 3]);
    expect([...(await tensor.readRows(0, 2))]).toEqual(expected);
    expect([...(await tensor.readRows(1, 2))]).toEqual(expected.slice(3));
  });

  test("of three dimensions, of none, and of integers only when it is read", async () => {
    await using model = await holding(join(torch, "layouts.bin"));
    await using weights = await openEncoderWeights(model.folder);
    const swapped = await weights.tensor("swapped", [2, 2, 3]).readRows(0, 2);
    expect([...swapped]).toEqual([0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11]);
    expect(await weights.tensor("nothing", [0, 3]).readRows(0, 0)).toHaveLength(0);
    expect(() => weights.tensor("no tensor", [1])).toThrow("has no tensor no tensor");
    await expect(weights.tensor("whole", [2, 3]).readRows(0, 1)).rejects.toMatchObject({
      code: "weights_unsupported",
      message: "whole of pytorch_model.bin is stored as LongStorage.",
    });
  });

  test("from each of the files in shards, and from another module's folder", async () => {
    const bytes = await readFile(join(torch, "layouts.bin"));
    const shards = ["pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin"];
    const index = { weight_map: { numbers: shards[0], half: shards[1] } };
    await using model = await writeFolder({
      ...Object.fromEntries(shards.map((name) => [name, bytes])),
      "pytorch_model.bin.index.json": JSON.stringify(index),
      "2_Dense/pytorch_model.bin": bytes,
    });
    await using weights = await openEncoderWeights(model.folder);
    expect(weights.files).toEqual(shards);
    await using dense = await openModuleWeights(model.folder, "2_Dense");
    expect(dense.files).toEqual(["2_Dense/pytorch_model.bin"]);
  });
});

describe("a pickle is refused, and nothing of it is run,", () => {
  test.each([
    ["when it would call a program", "malicious.bin", "asks for posix.system"],
    ["when it would do so in another protocol", "malicious-protocol-4.bin", "asks for posix.system"],
    ["when it is a whole module", "module.bin", "asks for torch.nn.modules.linear.Linear"],
  ])("%s", async (_, name, reason) => {
    expect(await refusal(await readFile(join(torch, name)))).toMatchObject({
      code: "weights_unsupported",
      message: `pytorch_model.bin ${reason}, which weights do not need. Nothing of it was run.`,
      remedy: expect.stringContaining("safe_serialization=True"),
    });
    expect(existsSync("/tmp/a-pickle-was-run")).toBe(false);
  });

  test("when its tensors are below another name", async () => {
    expect(await refusal(await readFile(join(torch, "nested.bin")))).toMatchObject({
      code: "weights_unsupported",
      message: "pytorch_model.bin holds no tensors by name. Nothing of it was run.",
    });
  });

  test("when PyTorch before 1.6 wrote it", async () => {
    expect(await refusal(await readFile(join(torch, "before-1.6.bin")))).toMatchObject({
      code: "weights_unsupported",
      message: "pytorch_model.bin has the format that PyTorch wrote before 1.6.",
      remedy: expect.stringContaining("torch.save(torch.load(path, weights_only=True), path)"),
    });
  });
});

describe("a damaged file is refused with its name", () => {
  test.each([
    ["that is empty", () => Buffer.alloc(0), "is no file of torch.save"],
    ["that is a pointer to the file", () => Buffer.from("version https://git-lfs.github.com/spec/v1"), "is no file"],
    ["that is cut", (bytes: Buffer) => bytes.subarray(0, bytes.length - 100), "is not a whole zip file"],
    [
      "whose tensor ends after its storage",
      (bytes: Buffer) =>
        replace(bytes, Buffer.from([0x4b, 4, 0x4b, 2, 0x4b, 3]), Buffer.from([0x4b, 9, 0x4b, 2, 0x4b, 3])),
      "places part at values 9 to 15 of 12",
    ],
    [
      "that lacks a storage",
      (bytes: Buffer) => replace(bytes, Buffer.from("/data/1"), Buffer.from("/data/z"), true),
      "has no stored data/1",
    ],
  ])("%s", async (_, change, message) => {
    expect(await refusal(change(await readFile(join(torch, "layouts.bin"))))).toMatchObject({
      code: "weights_damaged",
      message: expect.stringContaining(`pytorch_model.bin ${message}`),
    });
  });

  test("or described, but never fails otherwise, wherever a byte of its pickle is another one", async () => {
    const bytes = await readFile(join(torch, "layouts.bin"));
    const start = bytes.indexOf(Buffer.from([0x80, 2, 0x7d]));
    const end = bytes.indexOf(Buffer.from("PK\u0007\u0008", "latin1"), start);
    for (let place = start; place < (end < 0 ? start + 1_200 : end); place += 5) {
      const spoiled = Buffer.from(bytes);
      spoiled[place] = (bytes[place] ?? 0) ^ 0x21;
      await using model = await writeFolder({ "pytorch_model.bin": spoiled });
      const error = await openEncoderWeights(model.folder).then(
        (weights) => weights[Symbol.asyncDispose](),
        (reason: unknown) => reason,
      );
      if (error !== undefined) expect(error, `byte ${place - start}`).toMatchObject({ code: /^weights_/ });
    }
  });
});

async function holding(path: string) {
  const model = await writeFolder({});
  await copyFile(path, join(model.folder, "pytorch_model.bin"));
  return model;
}

async function refusal(content: Buffer): Promise<unknown> {
  await using model = await writeFolder({ "pytorch_model.bin": content });
  return await openEncoderWeights(model.folder).then(
    () => undefined,
    (reason: unknown) => reason,
  );
}

function replace(bytes: Buffer, from: Buffer, to: Buffer, everywhere = false): Buffer {
  const changed = Buffer.from(bytes);
  for (let place = changed.indexOf(from); place >= 0; place = everywhere ? changed.indexOf(from, place + 1) : -1) {
    to.copy(changed, place);
  }
  return changed;
}
