import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ReembedError } from "@reembed/core";
import { checkpoint, model, needed, pickle, StandInHub, shards, unwanted, wanted } from "@reembed/testing/hub";
import { beforeEach, describe, expect, test } from "vitest";
import { verifyModelFiles } from "../models/model-files.ts";
import { pullModel } from "./pull-model.ts";

const { "pytorch_model.bin": _, "pytorch_model.bin.index.json": __, ...unreadable } = unwanted;
let modelsFolder: string;
let folder: string;

beforeEach(async () => {
  modelsFolder = await mkdtemp(join(tmpdir(), "reembed-pull-"));
  folder = join(modelsFolder, model.id);
  return () => rm(modelsFolder, { recursive: true });
});

describe("a repository", () => {
  test.each<{ weights: string; brings: Record<string, Uint8Array | string>; beside: object }>([
    { weights: "a checkpoint", brings: checkpoint, beside: shards },
    { weights: "a checkpoint in shards", brings: shards, beside: {} },
    { weights: "PyTorch's pickle, if it has nothing else,", brings: pickle, beside: {} },
  ])("without a graph is pulled with $weights from which one can be prepared", async ({ brings, beside }) => {
    const repository = { ...unreadable, ...needed, ...brings, ...beside };
    await using hub = await StandInHub.start(model.id, model.revision, repository);
    const manifest = await pull(hub);
    expect(Object.keys(manifest.files).sort()).toEqual(Object.keys({ ...needed, ...brings }).sort());
    for (const [path, content] of Object.entries(brings)) {
      expect(await readFile(join(folder, path))).toEqual(Buffer.from(content));
    }
    expect(await verifyModelFiles(model, modelsFolder)).toEqual(manifest);
  });

  test("without weights that can be read is refused with the conversion to do, and afterwards the other files are fetched", async () => {
    await using hub = await StandInHub.start(model.id, model.revision, { ...unreadable, ...needed });
    const error = await failureOf(hub);
    expect(error).toMatchObject({ code: "model_no_weights", exitCode: 1 });
    expect(error.message).toBe(
      `${model.id} has none of onnx/model.onnx, model.safetensors and pytorch_model.bin at revision ${model.revision}.`,
    );
    expect(error.remedy).toContain(
      `optimum-cli export onnx --model ${model.id} --task feature-extraction ${folder}/onnx`,
    );
    expect(error.remedy).toContain(`safe_serialization=True into ${folder}`);
    expect(hub.requests).toEqual([]);

    await mkdir(join(folder, "onnx"), { recursive: true });
    await writeFile(join(folder, "onnx/model.onnx"), "graph");
    await pull(hub);
    await verifyModelFiles(model, modelsFolder);
  });

  test("without a tokenizer.json is refused, unless the folder has one already", async () => {
    const { "tokenizer.json": tokenizer, ...rest } = wanted;
    await using hub = await StandInHub.start(model.id, model.revision, rest);
    expect(await failureOf(hub)).toMatchObject({
      code: "model_file_missing",
      message: `${model.id} has no tokenizer.json at revision ${model.revision}.`,
      remedy: `Put it into ${folder} and pull again.`,
    });
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "tokenizer.json"), tokenizer);
    await pull(hub);
    await verifyModelFiles(model, modelsFolder);
  });
});

function pull({ endpoint }: StandInHub) {
  return pullModel({ model, modelsFolder, hub: { endpoint, token: undefined } });
}

async function failureOf(hub: StandInHub): Promise<ReembedError> {
  const error = await pull(hub).catch((thrown: unknown) => thrown);
  if (error instanceof ReembedError) return error;
  throw new Error(`Not a ReembedError: ${error}`, { cause: error });
}
