import { mkdir, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { folderOf } from "@reembed/testing";
import { beforeEach, describe, expect, test } from "vitest";
import { findModelFolder, installFolder } from "./install-folder.ts";
import { verifyModelFiles } from "./model-files.ts";

const files = {
  "config.json": "{}",
  "tokenizer.json": "{}",
  "onnx/model.onnx": "graph",
  "1_Pooling/config.json": "{}",
  "README.md": "text",
  "pytorch_model.bin": "weights",
  "onnx/model_fp16.onnx": "variant",
};
let modelsFolder: string;
beforeEach(async () => {
  modelsFolder = await folderOf({});
});

async function install(given: Record<string, string>, id = "tiny") {
  return await installFolder(await findModelFolder(await folderOf(given), modelsFolder), id, modelsFolder);
}

async function refusal(given: Record<string, string>) {
  const folder = await folderOf(given);
  const error = await findModelFolder(folder, modelsFolder).catch((reason) => reason);
  return { ...error, message: error.message.replaceAll(folder, "FOLDER") };
}

describe("a folder with a model", () => {
  test("is copied below MODELS_DIR with what vectors depend on, and has a hash of that as its revision", async () => {
    const { folder, revision } = await install(files);
    expect(folder).toBe(join(modelsFolder, "tiny"));
    expect((await readdir(folder)).sort()).toEqual([
      "1_Pooling",
      "config.json",
      "manifest.json",
      "onnx",
      "tokenizer.json",
    ]);
    expect(await readdir(join(folder, "onnx"))).toEqual(["model.onnx"]);
    expect(revision).toMatch(/^files-[0-9a-f]{12}$/);
    const model = { id: "tiny", revision: `${revision}+settings`, bundled: false };
    expect(await verifyModelFiles(model, modelsFolder)).toMatchObject({ model: "tiny", revision });
  });

  test("that was copied by hand on another node is the same revision, and refused with other weights", async () => {
    const { revision } = await install(files);
    const { "README.md": _, ...without } = files;
    const other = await folderOf(
      Object.fromEntries(Object.entries(without).map(([path, text]) => [`tiny/${path}`, text])),
    );
    const model = { id: "tiny", revision, bundled: false };
    expect(await verifyModelFiles(model, other)).toMatchObject({ revision });
    await rm(join(other, "tiny/manifest.json"));
    await writeFile(join(other, "tiny/onnx/model.onnx"), "another graph");
    await expect(verifyModelFiles(model, other)).rejects.toMatchObject({
      code: "model_revision_differs",
      message: expect.stringMatching(/holds revision files-[0-9a-f]{12} of tiny; files-[0-9a-f]{12} was expected\.$/),
    });
  });

  test("is installed again as it is there, and refused if other files are there", async () => {
    const { revision } = await install(files);
    expect(await install(files)).toMatchObject({ revision });
    await expect(install({ ...files, "onnx/model.onnx": "another" })).rejects.toMatchObject({
      ...{ code: "model_taken", exitCode: 2, remedy: expect.stringContaining("--id") },
    });
    expect((await install({ ...files, "onnx/model.onnx": "another" }, "other")).revision).not.toBe(revision);
  });

  test("stays where it is below MODELS_DIR, and is called as there", async () => {
    modelsFolder = await folderOf({ "someone/tiny/config.json": "{}", "someone/tiny/tokenizer.json": "{}" });
    const given = join(modelsFolder, "someone/tiny");
    await writeFile(join(given, "model.safetensors"), "weights");
    const source = await findModelFolder(given, modelsFolder);
    expect(source.id).toBe("someone/tiny");
    expect(await installFolder(source, source.id, modelsFolder)).toMatchObject({ folder: given });
  });

  test("of an export by optimum has its graph where workers look for it", async () => {
    const { "onnx/model.onnx": graph, ...rest } = files;
    const exported = await install({ ...rest, "model.onnx": graph, "model.onnx_data": "data" });
    expect((await readdir(join(exported.folder, "onnx"))).sort()).toEqual(["model.onnx", "model.onnx_data"]);
    expect((await install(files, "other")).revision).not.toBe(exported.revision);
    expect(await install({ ...files, "onnx/model.onnx_data": "data" })).toMatchObject({ revision: exported.revision });
  });

  test.each([
    [["pytorch_model.bin"]],
    [["pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin", "pytorch_model.bin.index.json"]],
  ])("with PyTorch's pickle alone has it copied, and counted in its revision: %j", async (pickles) => {
    const { "onnx/model.onnx": _, "pytorch_model.bin": __, ...rest } = files;
    const holding = (first: string) => ({
      ...rest,
      ...Object.fromEntries(pickles.map((path) => [path, "{}"])),
      [pickles[0] ?? ""]: first,
    });
    const { folder, revision } = await install(holding("weights"));
    expect(await readdir(folder)).toEqual(expect.arrayContaining(pickles));
    expect((await install(holding("others"), "other")).revision).not.toBe(revision);
  });

  test("of the hub's cache has its repository's name and commit, and its links are followed", async () => {
    const commit = "0123456789abcdef0123456789abcdef01234567";
    const cache = await folderOf(
      Object.fromEntries(Object.entries(files).map(([path, text]) => [`blobs/${path}`, text])),
    );
    const snapshot = join(cache, "models--someone--tiny/snapshots");
    await mkdir(join(snapshot, commit, "onnx"), { recursive: true });
    for (const path of Object.keys(files).filter((name) => !name.startsWith("1_"))) {
      await symlink(join(cache, "blobs", path), join(snapshot, commit, path));
    }
    const source = await findModelFolder(join(snapshot, commit), modelsFolder);
    expect(source).toMatchObject({ id: "someone/tiny", commit });
    const { folder, revision } = await installFolder(source, source.id, modelsFolder);
    expect(revision).toBe(commit);
    expect(await readdir(folder)).toContain("tokenizer.json");
  });

  test.each(["../elsewhere", "a/b/c", ""])("cannot be called %j", async (id) => {
    await expect(install(files, id)).rejects.toMatchObject({ code: "model_unusable", exitCode: 2 });
  });
});

describe("a folder is refused, with what it lacks,", () => {
  const { "onnx/model.onnx": graph, "tokenizer.json": tokenizer, "pytorch_model.bin": _, ...rest } = files;

  test.each([
    [
      "without a tokenizer",
      { ...rest, "onnx/model.onnx": graph },
      "model_file_missing",
      "FOLDER has no tokenizer.json.",
    ],
    [
      "without weights that can be read",
      { ...rest, "tokenizer.json": tokenizer, "tf_model.h5": "weights" },
      "model_no_weights",
      "FOLDER has none of onnx/model.onnx, model.safetensors and pytorch_model.bin, only onnx/model_fp16.onnx, tf_model.h5.",
    ],
    ["without a model", { "README.md": "text" }, "model_file_missing", "FOLDER has no config.json."],
    [
      "with two models",
      { "a/config.json": "{}", "b/config.json": "{}" },
      "model_ambiguous",
      "FOLDER is no model, and holds 2: FOLDER/a, FOLDER/b.",
    ],
    [
      "with two graphs",
      { ...files, "model.onnx": graph },
      "model_ambiguous",
      "FOLDER has two graphs: onnx/model.onnx and model.onnx.",
    ],
  ])("%s", async (_, given, code, message) => {
    expect(await refusal(given)).toMatchObject({ code, message, exitCode: 2 });
  });

  test("when there is none", async () => {
    await expect(findModelFolder("/nowhere", modelsFolder)).rejects.toMatchObject({
      message: "There is no folder /nowhere.",
    });
  });
});
