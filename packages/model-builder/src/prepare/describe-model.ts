import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Model, ReembedError } from "@reembed/core";
import { exists } from "@reembed/embedder/models";
import { readEncoderShape } from "../graph/encoder-shape.ts";

/** The revision of a model that is not registered: only whoever copied its files knows which one it is. */
const unregistered = "unregistered";

/**
 * Describes a model that is not registered, from its folder in Hugging Face layout.
 * @throws ReembedError `model_missing` if there is no config.json; ReembedError of `readEncoderShape`.
 */
export async function describeModel(id: string, modelsFolder: string): Promise<Model> {
  const folder = join(modelsFolder, id);
  if (!(await exists(join(folder, "config.json")))) {
    throw new ReembedError("model_missing", `There is no model ${id}: ${folder} has no config.json.`, {
      exitCode: 2,
      remedy:
        "`reembed model list` shows the registered models; for another one, copy its files there in Hugging Face layout.",
    });
  }
  const { dimensions, positions, pooling } = await readEncoderShape(folder);
  const maxTokens = Math.min(positions, (await readMaxTokens(folder)) ?? positions);
  const prompts = { query: "", passage: "" };
  return {
    id,
    revision: unregistered,
    dimensions,
    outputDimensions: dimensions,
    maxTokens,
    pooling,
    prompts,
    bundled: false,
  };
}

/** Sentence-transformers limits many models to fewer tokens than they have positions. */
async function readMaxTokens(folder: string): Promise<number | undefined> {
  const path = join(folder, "sentence_bert_config.json");
  if (!(await exists(path))) return undefined;
  const { max_seq_length } = JSON.parse(await readFile(path, "utf8")) as { max_seq_length?: number };
  return max_seq_length;
}
