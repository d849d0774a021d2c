import { randomUUID } from "node:crypto";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Model, models } from "@reembed/core";
import { modelFolder } from "@reembed/embedder";

export interface TemporaryModel extends AsyncDisposable {
  model: Model;
  modelsFolder: string;
  /** The folder of the model's files, in Hugging Face layout. */
  folder: string;
}

/**
 * Writes a test model into a temporary folder, like one that was filled by hand: without a manifest. It tokenises texts as
 * the stand-in does whose tokenizer it has.
 * @param graph The bytes of its ONNX file.
 */
export async function writeTemporaryModel(
  graph: Uint8Array,
  tokenizerOf: "mini-rubert" | "mini-m3",
  settings: Pick<Model, "dimensions" | "pooling"> & Partial<Pick<Model, "maxTokens" | "outputDimensions" | "prompts">>,
): Promise<TemporaryModel> {
  const standIn = models.get(tokenizerOf);
  if (standIn === undefined) throw new TypeError(`There is no stand-in ${tokenizerOf}`);
  const modelsFolder = await mkdtemp(join(tmpdir(), "reembed-models-"));
  const own = { id: "test/temporary", revision: randomUUID(), bundled: false };
  const model = { ...standIn, outputDimensions: settings.dimensions, ...settings, ...own };
  const folder = modelFolder(model, modelsFolder);
  await mkdir(join(folder, "onnx"), { recursive: true });
  for (const name of ["config.json", "tokenizer.json"]) {
    await cp(join(modelFolder(standIn, modelsFolder), name), join(folder, name));
  }
  await writeFile(join(folder, "onnx/model.onnx"), graph);
  return { model, modelsFolder, folder, [Symbol.asyncDispose]: () => rm(modelsFolder, { recursive: true }) };
}
