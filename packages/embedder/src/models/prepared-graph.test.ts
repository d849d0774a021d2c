import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ReembedError } from "@reembed/core";
import { hasEnded, watchChildren } from "@reembed/testing";
import { prepareTestModel, type TestModel, writeTestModel } from "@reembed/testing/encoders";
import { beforeAll, beforeEach, expect, test } from "vitest";
import { startOnnxEmbedder } from "../onnx/onnx-embedder.ts";
import { recordFiles } from "./model-files.ts";
import { builderVersion, findGolden, listPrepared, type PreparedManifest, verifyPrepared } from "./prepared-graph.ts";

let original: TestModel;
/** A copy for each test to damage. */
let model: Omit<TestModel, keyof AsyncDisposable>;
const manifestPath = () => join(model.folder, "prepared/cpu/manifest.json");
const weightsPath = () => join(model.folder, "prepared/cpu/model.onnx.data");

beforeAll(async () => {
  original = await writeTestModel("bert", "model.safetensors");
  await prepareTestModel(original);
  return () => original[Symbol.asyncDispose]();
});

beforeEach(async () => {
  const modelsFolder = await mkdtemp(join(tmpdir(), "reembed-prepared-"));
  await cp(original.modelsFolder, modelsFolder, { recursive: true });
  model = { ...original, modelsFolder, folder: join(modelsFolder, original.model.id) };
  return () => rm(modelsFolder, { recursive: true });
});

test("a prepared model starts without its weights, and lists the devices that it is prepared for", async () => {
  await rm(join(model.folder, "model.safetensors"));
  await using embedder = await startOnnxEmbedder({ ...model, device: "cpu" });
  expect(embedder.device).toBe("cpu");
  expect(await listPrepared(model.folder)).toEqual([{ device: "cpu", dtype: "fp32" }]);
  expect(await verifyPrepared(model.model, model.folder, "cuda:1")).toBeUndefined();
});

test("a model with weights but no graph is refused, with the command that prepares it", async () => {
  await rm(join(model.folder, "prepared"), { recursive: true });
  for (const [device, option] of [
    ["cpu", "cpu"],
    ["cuda:1", "cuda"],
  ] as const) {
    expect(await refusalOf({ ...model, device })).toMatchObject({
      code: "model_not_prepared",
      exitCode: 1,
      message: `test/tiny has weights, but no graph for ${device}: no ${join(model.folder, "onnx/model.onnx")}.`,
      remedy: `Run \`reembed model prepare test/tiny --device ${option}\`.`,
    });
  }
});

test.each(["model.onnx", "model.onnx.data"])(
  "one flipped bit in %s is refused with the name of the file",
  async (name) => {
    const path = join(model.folder, "prepared/cpu", name);
    const bytes = await readFile(path);
    const middle = bytes.length >> 1;
    bytes.writeUInt8(bytes.readUInt8(middle) ^ 1, middle);
    await writeFile(path, bytes);
    expect(await refusalOf(model)).toMatchObject({
      code: "model_file_altered",
      message: expect.stringContaining(`${path} was altered: sha256 `),
      remedy: expect.stringContaining("`reembed model prepare test/tiny`"),
    });
  },
);

test.each(["config.json", "tokenizer.json"])(
  "a %s other than the one that it was prepared with is refused",
  async (name) => {
    const path = join(model.folder, name);
    await writeFile(path, `${await readFile(path, "utf8")}\n`);
    expect(await refusalOf(model)).toMatchObject({
      code: "model_file_altered",
      message: expect.stringContaining(`${path} was altered`),
    });
  },
);

test("the model is loaded while its files are hashed", async () => {
  using watch = watchChildren();
  await writeFile(join(model.folder, "config.json"), "{}");
  await expect(startOnnxEmbedder({ ...model, device: "cpu" })).rejects.toMatchObject({ code: "model_file_altered" });
  expect(watch.children).toHaveLength(1);
});

test("a missing file is refused with its name", async () => {
  await rm(weightsPath());
  expect(await refusalOf(model)).toMatchObject({
    code: "model_file_missing",
    message: expect.stringMatching(/model\.onnx\.data is missing; \d+ bytes were expected\.$/),
  });
});

test("a graph of another revision is refused", async () => {
  const error = await refusalOf({ ...model, model: { ...model.model, revision: "r2" } });
  expect(error).toMatchObject({
    code: "model_revision_differs",
    message: `${manifestPath()} was made from revision r1 of test/tiny; r2 was expected.`,
  });
});

test("a graph with another pooling is refused, and compared with no server; of an earlier version it is not said", async () => {
  const pooled = { ...model.model, pooling: "mean" } as const;
  expect((await readManifest()).pooling).toBe("cls");
  expect(await refusalOf({ ...model, model: pooled })).toMatchObject({
    code: "prepared_differs",
    exitCode: 2,
    message: `${manifestPath()} was made with the pooling cls; test/tiny is wanted with mean.`,
    remedy: expect.stringContaining("`reembed model prepare test/tiny --pooling mean`"),
  });
  expect(await findGolden(pooled, model.folder)).toBeUndefined();
  expect(await findGolden(model.model, model.folder)).toBeDefined();
  const { pooling: _, ...earlier } = await readManifest();
  await writeFile(manifestPath(), JSON.stringify(earlier));
  await using embedder = await startOnnxEmbedder({ ...model, model: pooled, device: "cpu" });
  expect(embedder.model).toEqual(pooled);
});

test("a graph of a newer version of the builder is refused", async () => {
  await changeManifest({ builder: builderVersion + 1 });
  expect(await refusalOf(model)).toMatchObject({
    code: "prepared_outdated",
    message: `${manifestPath()} was made by version ${builderVersion + 1} of the graph builder; this is version ${builderVersion}.`,
    remedy: expect.stringContaining("`reembed model prepare test/tiny`"),
  });
});

test("a graph of an older version of the builder is served", async () => {
  await changeManifest({ builder: builderVersion - 1 });
  await using embedder = await startOnnxEmbedder({ ...model, device: "cpu" });
  expect(embedder.device).toBe("cpu");
});

test("a graph that gives another vector than the recorded one is refused, and its process ends", async () => {
  const vector = Buffer.from(new Float32Array(16).fill(0.25).buffer).toString("base64");
  await changeManifest({ golden: { text: "word5 word6", vector } });
  expect(await refusalOf(model)).toMatchObject({
    code: "golden_vector_differs",
    message: expect.stringMatching(
      /^The vector of the golden text of test\/tiny has a cosine similarity of -?0\.\d+ to/,
    ),
  });
});

test("a truncated golden vector is refused", async () => {
  const { golden } = await readManifest();
  await changeManifest({ golden: { ...golden, vector: golden.vector.slice(0, 20) } });
  expect(await refusalOf(model)).toMatchObject({ code: "golden_vector_differs" });
});

test("weights that give NaN are refused although their hashes are right", async () => {
  const bytes = await readFile(weightsPath());
  await writeFile(weightsPath(), Buffer.alloc(bytes.length, 0xff));
  await changeManifest({
    files: await recordFiles(join(model.folder, "prepared/cpu"), ["model.onnx", "model.onnx.data"]),
  });
  expect(await refusalOf(model)).toMatchObject({
    code: "model_unusable",
    message: "The length of the model's vector is zero or not finite.",
  });
});

test("a manifest that is not JSON is refused", async () => {
  await writeFile(manifestPath(), "{");
  expect(await refusalOf(model)).toMatchObject({
    code: "model_file_altered",
    message: `${manifestPath()} is not JSON.`,
  });
});

/** The error that a start fails with. Its child has ended by then. */
async function refusalOf(options: Omit<Parameters<typeof startOnnxEmbedder>[0], "device"> & { device?: string }) {
  using watch = watchChildren();
  const error = await startOnnxEmbedder({ device: "cpu", ...options }).then(
    () => undefined,
    (thrown: ReembedError) => thrown,
  );
  expect(watch.children.filter((child) => !hasEnded(child))).toEqual([]);
  return error;
}

async function changeManifest(changes: Partial<PreparedManifest>): Promise<void> {
  await writeFile(manifestPath(), JSON.stringify({ ...(await readManifest()), ...changes }));
}

async function readManifest(): Promise<PreparedManifest> {
  return JSON.parse(await readFile(manifestPath(), "utf8"));
}
