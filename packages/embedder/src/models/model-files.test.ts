import { createHash } from "node:crypto";
import { appendFile, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Model, models } from "@reembed/core";
import { type TemporaryModel, writeTemporaryModel } from "@reembed/testing";
import { beforeEach, describe, expect, test } from "vitest";
import { type ModelManifest, verifyModelFiles } from "./model-files.ts";

const graph = "onnx/model.onnx";
const weights = "onnx/model.onnx_data";
let temporary: TemporaryModel;

beforeEach(async () => {
  temporary = await writeTemporaryModel(Buffer.from("graph"), "mini-rubert", { dimensions: 4, pooling: "mean" });
  await writeFile(join(temporary.folder, weights), "weights");
  return () => temporary[Symbol.asyncDispose]();
});

describe("a folder that was filled by hand", () => {
  test("has its files recorded at the first start", async () => {
    await writeFile(join(temporary.folder, "onnx/model_fp16.onnx.partial"), "half a download");
    const manifest = await verify();
    expect(manifest).toMatchObject({ model: temporary.model.id, revision: temporary.model.revision });
    expect(Object.keys(manifest.files)).toEqual(["config.json", graph, weights, "tokenizer.json"]);
    expect(manifest.files[weights]).toEqual({ sha256: sha256("weights"), sizeBytes: 7 });
    expect(JSON.parse(await readFile(join(temporary.folder, "manifest.json"), "utf8"))).toEqual(manifest);
    expect(await verify()).toEqual(manifest);
  });

  test("may be recorded by several workers at the same time", async () => {
    const [manifest, ...others] = await Promise.all(Array.from({ length: 8 }, verify));
    for (const other of others) expect(other).toEqual(manifest);
    const files = await readdir(temporary.folder);
    expect(files.sort()).toEqual(["config.json", "manifest.json", "onnx", "tokenizer.json"]);
  });

  test.each(["config.json", "tokenizer.json", graph])("is refused without %s", async (path) => {
    await rm(join(temporary.folder, path));
    await expect(verify()).rejects.toMatchObject({
      code: "model_file_missing",
      message: `${join(temporary.folder, path)} is missing.`,
      remedy: expect.stringContaining(`reembed model pull ${temporary.model.id}`),
    });
    expect(await readdir(temporary.folder)).not.toContain("manifest.json");
  });
});

describe("a recorded folder", () => {
  test("is refused with one altered byte, and both hashes are named", async () => {
    await verify();
    await writeFile(join(temporary.folder, graph), "grabh");
    await expect(verify()).rejects.toMatchObject({
      code: "model_file_altered",
      message: `${join(temporary.folder, graph)} was altered: sha256 ${sha256("grabh")} instead of ${sha256("graph")}.`,
    });
  });

  test("is refused with a file of another size, and both sizes are named", async () => {
    await verify();
    await appendFile(join(temporary.folder, weights), "!");
    await expect(verify()).rejects.toMatchObject({
      code: "model_file_altered",
      message: `${join(temporary.folder, weights)} was altered: 8 bytes instead of 7.`,
    });
  });

  test("is refused without a recorded file that not every model has", async () => {
    await verify();
    await rm(join(temporary.folder, weights));
    await expect(verify()).rejects.toMatchObject({
      code: "model_file_missing",
      message: `${join(temporary.folder, weights)} is missing; 7 bytes were expected.`,
    });
  });

  test("is refused for another revision of its model", async () => {
    await verify();
    const model = { ...temporary.model, revision: "another" };
    await expect(verifyModelFiles(model, temporary.modelsFolder)).rejects.toMatchObject({
      code: "model_revision_differs",
      message: `${temporary.folder} holds revision ${temporary.model.revision} of ${model.id}; another was expected.`,
    });
  });

  test("is refused when its manifest is not JSON, with how to record the files again", async () => {
    await writeFile(join(temporary.folder, "manifest.json"), "{");
    await expect(verify()).rejects.toMatchObject({
      code: "model_file_altered",
      remedy: "Remove it; the files are then recorded again.",
    });
  });
});

describe("a model without a folder", () => {
  test("is reported as missing, with the command that pulls it", async () => {
    await rm(temporary.folder, { recursive: true });
    await expect(verify()).rejects.toMatchObject({
      code: "model_missing",
      message: `The files of ${temporary.model.id} are not in ${temporary.folder}.`,
      remedy: expect.stringContaining(`reembed model pull ${temporary.model.id}`),
    });
  });

  test("is reported with the command that restores it, if it is a stand-in", async () => {
    const model = { ...temporary.model, id: "mini-none", bundled: true };
    await expect(verifyModelFiles(model, temporary.modelsFolder)).rejects.toMatchObject({
      code: "model_missing",
      remedy: expect.stringContaining("git checkout models"),
    });
  });
});

test.each(["mini-rubert", "mini-m3"])("the files of %s match their manifest", async (id) => {
  const model = models.get(id) as Model;
  expect(await verifyModelFiles(model, "unused")).toMatchObject({ model: id, revision: model.revision });
});

function verify(): Promise<ModelManifest> {
  return verifyModelFiles(temporary.model, temporary.modelsFolder);
}

function sha256(content: string): string {
  return createHash("sha256").update(content).digest("hex");
}
