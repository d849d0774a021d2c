import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { startOnnxEmbedder } from "@reembed/embedder";
import type { PreparedManifest } from "@reembed/embedder/models";
import { vectorsOf } from "@reembed/testing/embedders";
import { prepareTestModel, spoilWeights, type TestModel, texts, writeTestModel } from "@reembed/testing/encoders";
import { describe, expect, test } from "vitest";
import { leastCosines } from "./prepare-model.ts";

describe("a model that is prepared", () => {
  test.each([
    { kind: "bert", weights: "export", pooling: "mean", dtype: "fp32", reference: "export" },
    { kind: "xlm-roberta", weights: "export", pooling: "cls", dtype: "fp32", reference: "export" },
    { kind: "bert", weights: "model.safetensors", pooling: "cls", dtype: "fp16", reference: "weights" },
    { kind: "xlm-roberta", weights: "model.safetensors", pooling: "mean", dtype: "int8", reference: "weights" },
  ] as const)("in $dtype has the same vectors as its $weights, $kind with $pooling pooling", async (of) => {
    await using test = await writeTestModel(of.kind, of.weights, of.pooling);
    const prepared = await prepareTestModel(test, { dtype: of.dtype });
    expect(prepared.reference).toBe(of.reference);
    expect(prepared.fidelity.leastCosine).toBeGreaterThan(leastCosines[of.dtype]);
    expect(prepared.fidelity.overlap10).toBeGreaterThan(0.9);

    // Only the tokenizer and the prepared files are left.
    const exported = join(test.folder, "onnx/model.onnx");
    const before = existsSync(exported) ? await vectors(test) : undefined;
    await rm(join(test.folder, "onnx"), { recursive: true });
    await rm(join(test.folder, "model.safetensors"), { force: true });
    const after = await vectors(test);
    if (before !== undefined) expect(after).toEqual(before);
    expect(after).toHaveLength(texts.length);
  });

  test("from PyTorch's pickle is the very graph that safetensors gives", async () => {
    await using pickled = await writeTestModel("bert", "pytorch_model.bin", "mean");
    await using plain = await writeTestModel("bert", "model.safetensors", "mean");
    const { manifest } = await prepareTestModel(pickled);
    expect(Object.keys(manifest.sources)).toContain("pytorch_model.bin");
    expect(manifest.files).toEqual((await prepareTestModel(plain)).manifest.files);
    expect(await vectors(pickled)).toEqual(await vectors(plain));
  });

  test("records its sources, its files and the texts that it was checked with", async () => {
    await using test = await writeTestModel("bert", "model.safetensors");
    const steps: string[] = [];
    const prepared = await prepareTestModel(test, { dtype: "int8", onStep: (step) => void steps.push(step) });
    const { manifest, calibration, fidelity } = prepared;
    expect(prepared.folder).toBe(join(test.folder, "prepared/cpu"));
    expect(await readManifest(test)).toEqual(manifest);
    expect(manifest).toMatchObject({
      model: "test/tiny",
      revision: "r1",
      dtype: "int8",
      dimensions: 16,
      leastCosine: fidelity.leastCosine,
    });
    expect(Object.keys(manifest.sources)).toEqual(["config.json", "tokenizer.json", "model.safetensors"]);
    expect(Object.keys(manifest.files)).toEqual(["model.onnx", "model.onnx.data"]);
    expect(await readdir(prepared.folder)).toEqual(["manifest.json", "model.onnx", "model.onnx.data"]);
    expect(await readdir(join(test.folder, "prepared"))).toEqual(["cpu"]);
    // int8 is built without and with the factors, and the better one is installed.
    expect(manifest.smoothed).toBe(fidelity === calibration?.with);
    expect(fidelity.leastCosine).toBe(
      Math.max(calibration?.without.leastCosine ?? Number.NaN, calibration?.with.leastCosine ?? Number.NaN),
    );
    expect(steps).toEqual(["embedding 24 texts with the original weights", "building int8", "calibrating"]);
  });
});

describe("a preparation is refused", () => {
  test("when the vectors differ too much, and the earlier preparation stays", async () => {
    await using test = await writeTestModel("bert", "export");
    await prepareTestModel(test);
    const before = await prepareTestModel(test, { dtype: "fp16" });
    expect(before.manifest.dtype).toBe("fp16");
    await expect(prepareTestModel(test, { dtype: "int8", minCosine: 0.9999999 })).rejects.toMatchObject({
      code: "preparation_differs",
      exitCode: 3,
      message: expect.stringMatching(
        /^The least cosine similarity between test\/tiny and its int8 form is 0\.99\d+; at least 0\.9999999 was expected\.$/,
      ),
      remedy: expect.stringContaining("--dtype fp32"),
    });
    expect(await readManifest(test)).toEqual(before.manifest);
    expect(await readdir(join(test.folder, "prepared"))).toEqual(["cpu"]);
  });

  test("when there are no texts to check it with", async () => {
    await using test = await writeTestModel("bert", "export");
    await expect(prepareTestModel(test, { texts: [] })).rejects.toMatchObject({ code: "preparation_differs" });
    expect(await readdir(join(test.folder, "prepared"))).toEqual([]);
  });

  test("when the weights give NaN", async () => {
    await using test = await writeTestModel("bert", "model.safetensors");
    await spoilWeights(test, "embeddings.LayerNorm.bias");
    await expect(prepareTestModel(test)).rejects.toMatchObject({
      code: "model_unusable",
      message: expect.stringContaining("has no vector for text 0"),
    });
    expect(await readdir(join(test.folder, "prepared"))).toEqual([]);
  });

  test("as wrong usage, when the model has other dimensions than its files", async () => {
    await using test = await writeTestModel("bert", "export");
    const model = { ...test.model, dimensions: 1_024, outputDimensions: 1_024 };
    await expect(prepareTestModel(test, { model })).rejects.toMatchObject({
      code: "model_unusable",
      exitCode: 2,
      message: `${test.folder} gives vectors of 16 dimensions; test/tiny has 1024.`,
    });
    expect(existsSync(join(test.folder, "prepared"))).toBe(false);
  });

  test.each([
    [
      "vocab_size",
      { vocab_size: 49 },
      {},
      "has ids up to 49, and the model has embeddings of 49 tokens (vocab_size in config.json).",
    ],
    [
      "an added token",
      {},
      { added_tokens: [{ id: 50, content: "[NEW]" }] },
      "has ids up to 50, and the model has embeddings of 50 tokens",
    ],
    [
      "a vocabulary",
      {},
      { model: { type: "Unigram", vocab: Array(60).fill(["word", -1]) } },
      "has ids up to 59, and the model has embeddings",
    ],
  ])("when its tokenizer has ids that it has no embeddings for: %s", async (_, config, tokenizer, message) => {
    await using test = await writeTestModel("bert", "model.safetensors");
    await change(join(test.folder, "config.json"), config);
    await change(join(test.folder, "tokenizer.json"), tokenizer);
    await expect(prepareTestModel(test)).rejects.toMatchObject({
      code: "tokenizer_differs",
      exitCode: 2,
      message: expect.stringContaining(`${join(test.folder, "tokenizer.json")} ${message}`),
      remedy: "Take tokenizer.json, config.json and the weights from one revision of one model.",
    });
  });

  test("when it has no tokenizer, or one that is not JSON", async () => {
    await using test = await writeTestModel("bert", "model.safetensors");
    const path = join(test.folder, "tokenizer.json");
    await writeFile(path, "<html>");
    await expect(prepareTestModel(test)).rejects.toMatchObject({ message: `${path} cannot be read as JSON.` });
    await rm(path);
    await expect(prepareTestModel(test)).rejects.toMatchObject({ message: `${test.folder} has no tokenizer.json.` });
  });

  test("when its weights do not have the shape in config.json", async () => {
    await using test = await writeTestModel("bert", "export");
    await change(join(test.folder, "config.json"), { intermediate_size: 32 });
    await expect(prepareTestModel(test)).rejects.toMatchObject({ code: "weights_differ" });
    expect(await readdir(join(test.folder, "prepared"))).toEqual([]);
  });
});

test("a killed preparation leaves nothing that could be mistaken for a model, and a later one removes its files", async () => {
  await using test = await writeTestModel("bert", "export");
  const program = `
    const { prepareTestModel } = await import(${JSON.stringify(import.meta.resolve("@reembed/testing/encoders"))});
    await prepareTestModel(${JSON.stringify(test)}, { dtype: "int8", onStep: (step) => console.log(step) });`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const closed = once(child, "close");
  for await (const step of createInterface(child.stdout)) if (step === "calibrating") child.kill("SIGKILL");
  expect(await closed).toEqual([null, "SIGKILL"]);

  const prepared = join(test.folder, "prepared");
  const [leftover = "", ...others] = await readdir(prepared);
  expect(others).toEqual([]);
  expect(await readdir(join(prepared, leftover, "plain"))).toContain("model.onnx");
  const exported = await vectors(test);
  // A recent folder may belong to a preparation that is still running.
  await prepareTestModel(test);
  expect((await readdir(prepared)).sort()).toEqual([leftover, "cpu"].sort());
  const twoDaysAgo = Date.now() / 1_000 - 2 * 86_400;
  await utimes(join(prepared, leftover), twoDaysAgo, twoDaysAgo);
  await prepareTestModel(test);
  expect(await readdir(prepared)).toEqual(["cpu"]);
  expect(await vectors(test)).toHaveLength(exported.length);
});

async function vectors({ model, modelsFolder }: TestModel): Promise<Float32Array[]> {
  await using embedder = await startOnnxEmbedder({ model, modelsFolder, device: "cpu" });
  return await vectorsOf(embedder, texts);
}

async function change(path: string, changes: object): Promise<void> {
  await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, "utf8")), ...changes }));
}

async function readManifest({ folder }: TestModel): Promise<PreparedManifest> {
  return JSON.parse(await readFile(join(folder, "prepared/cpu/manifest.json"), "utf8"));
}
