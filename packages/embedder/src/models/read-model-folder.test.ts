import { folderOf } from "@reembed/testing";
import { describe, expect, test } from "vitest";
import { readModelFolder } from "./read-model-folder.ts";

const bert = { model_type: "bert", hidden_size: 384, max_position_embeddings: 512 };
const modules = [
  { path: "", type: "sentence_transformers.models.Transformer" },
  { path: "1_Pooling", type: "sentence_transformers.models.Pooling" },
  { path: "2_Normalize", type: "sentence_transformers.models.Normalize" },
];

async function read(files: Record<string, unknown>) {
  return await readModelFolder(
    await folderOf(Object.fromEntries(Object.entries(files).map(([path, content]) => [path, JSON.stringify(content)]))),
  );
}

describe("a folder in Hugging Face layout", () => {
  test("as all-MiniLM-L6-v2 has it is described completely", async () => {
    const files = {
      "config.json": bert,
      "modules.json": modules,
      "1_Pooling/config.json": {
        word_embedding_dimension: 384,
        pooling_mode_mean_tokens: true,
        pooling_mode_cls_token: false,
      },
      "sentence_bert_config.json": { max_seq_length: 256 },
      "tokenizer_config.json": { model_max_length: 512 },
      "config_sentence_transformers.json": { __version__: {} },
    };
    expect(await read(files)).toEqual({
      ...{ dimensions: 384, maxTokens: 256, pooling: "mean", prompts: { query: "", passage: "" } },
    });
  });

  test("of an encoder alone does not say its pooling", async () => {
    expect(await read({ "config.json": bert })).toMatchObject({ dimensions: 384, maxTokens: 512, pooling: undefined });
    expect(await read({ "config.json": {} })).toMatchObject({ dimensions: undefined, maxTokens: undefined });
  });

  test("has the dimensions of the layer after its pooling, and the pooling of the module that is named so", async () => {
    const pooling = { path: "1_MyPooling", type: "sentence_transformers.models.Pooling" };
    const dense = { path: "2_Dense", type: "sentence_transformers.models.Dense" };
    const files = {
      "config.json": bert,
      "modules.json": [modules[0], pooling, dense],
      "1_MyPooling/config.json": { pooling_mode_lasttoken: true },
      "2_Dense/config.json": { in_features: 384, out_features: 1024 },
    };
    expect(await read(files)).toMatchObject({ dimensions: 1024, pooling: "last" });
  });

  test("of an XLM-RoBERTa has two positions fewer, and a tokenizer without a limit has none", async () => {
    const config = { model_type: "xlm-roberta", hidden_size: 1024, max_position_embeddings: 514, pad_token_id: 1 };
    const tokenizer = { model_max_length: 1e30 };
    expect(await read({ "config.json": config, "tokenizer_config.json": tokenizer })).toMatchObject({ maxTokens: 512 });
  });

  test.each([
    [{ query: "query: ", passage: "passage: " }, null, { query: "query: ", passage: "passage: " }],
    [{ query: "Represent: ", document: "" }, null, { query: "Represent: ", passage: "" }],
    [{ search_query: "q: ", search_document: "d: ", clustering: "c: " }, null, { query: "q: ", passage: "d: " }],
    [{ retrieval: "r: " }, "retrieval", { query: "r: ", passage: "r: " }],
    [{ s2p_query: "Instruct: " }, null, { query: "Instruct: ", passage: "" }],
    [{}, null, { query: "", passage: "" }],
  ])("with the prompts %j and the default %s has %j", async (prompts, byDefault, expected) => {
    const sentences = { prompts, default_prompt_name: byDefault };
    expect(await read({ "config_sentence_transformers.json": sentences })).toMatchObject({ prompts: expected });
  });

  test("with prompts of names that nobody knows leaves them to be said", async () => {
    const files = { "config_sentence_transformers.json": { prompts: { classify: "Classify: " } } };
    expect(await read(files)).toMatchObject({ prompts: undefined });
  });

  test.each([
    [{ pooling_mode_max_tokens: true }, "pooling_mode_max_tokens"],
    [
      { pooling_mode_cls_token: true, pooling_mode_mean_tokens: true },
      "pooling_mode_cls_token and pooling_mode_mean_tokens",
    ],
    [{ pooling_mode: "weightedmean" }, "weightedmean"],
  ])("with the pooling %j is refused", async (config, named) => {
    const message = expect.stringContaining(`asks for the pooling ${named};`);
    await expect(read({ "1_Pooling/config.json": config })).rejects.toMatchObject({ code: "model_unusable", message });
  });

  test("with a file that is not JSON is refused by the file's name", async () => {
    const folder = await folderOf({ "config.json": "{" });
    await expect(readModelFolder(folder)).rejects.toMatchObject({
      message: `${folder}/config.json cannot be read as JSON.`,
    });
  });
});
