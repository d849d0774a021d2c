import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Model, ReembedError } from "@reembed/core";
import { exists } from "../model-files.ts";
import { readEncoderShape } from "../onnx/encoder-shape.ts";

/** Of a model that is in no registry: whoever put its files there knows which they are. */
const unregistered = "unregistered";

/**
 * What a folder in Hugging Face layout holds, for a model that is not registered.
 * @throws ReembedError `model_missing` when there is no config.json, or those of `readEncoderShape`.
 */
export async function describeModel(id: string, modelsFolder: string): Promise<Model> {
  const folder = join(modelsFolder, id);
  if (!(await exists(join(folder, "config.json")))) {
    throw new ReembedError("model_missing", `There is no model ${id}: ${folder} has no config.json.`, {
      exitCode: 2,
      remedy: "`reembed model list` tells the registered ones; put others there in Hugging Face layout.",
    });
  }
  const { dimensions, positions, pooling } = await readEncoderShape(folder);
  const maxTokens = Math.min(positions, (await readMaxTokens(folder)) ?? positions);
  return { id, revision: unregistered, dimensions, maxTokens, pooling, bundled: false };
}

/** Sentence-transformers trains many models on shorter texts than they have positions for. */
async function readMaxTokens(folder: string): Promise<number | undefined> {
  const path = join(folder, "sentence_bert_config.json");
  if (!(await exists(path))) return undefined;
  const { max_seq_length } = JSON.parse(await readFile(path, "utf8")) as { max_seq_length?: number };
  return max_seq_length;
}
