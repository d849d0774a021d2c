import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { readEncoderShape } from "./encoder-shape.ts";

/** config.json of BAAI/bge-m3. */
const xlmRoberta = {
  model_type: "xlm-roberta",
  hidden_act: "gelu",
  hidden_size: 1024,
  num_hidden_layers: 24,
  num_attention_heads: 16,
  intermediate_size: 4096,
  vocab_size: 250002,
  max_position_embeddings: 8194,
  type_vocab_size: 1,
  layer_norm_eps: 1e-5,
  pad_token_id: 1,
  position_embedding_type: "absolute",
};
/** config.json of cointegrated/rubert-tiny2. */
const bert = {
  ...xlmRoberta,
  model_type: "bert",
  hidden_size: 312,
  num_hidden_layers: 3,
  num_attention_heads: 12,
  intermediate_size: 600,
  vocab_size: 83828,
  max_position_embeddings: 2048,
  type_vocab_size: 2,
  layer_norm_eps: 1e-12,
  pad_token_id: 0,
};
const dense = {
  in_features: 312,
  out_features: 1024,
  bias: true,
  activation_function: "torch.nn.modules.activation.Tanh",
};
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "reembed-shape-"));
  return () => rm(folder, { recursive: true });
});

describe("the shape of", () => {
  test("XLM-RoBERTa counts positions from the one after the padding's id", async () => {
    await write({ "config.json": xlmRoberta });
    expect(await readEncoderShape(folder, "cls")).toEqual({
      layers: 24,
      hidden: 1024,
      heads: 16,
      intermediate: 4096,
      vocabulary: 250002,
      positions: 8192,
      positionOffset: 2,
      tokenTypes: 1,
      distances: 0,
      layerNormEpsilon: 1e-5,
      pooling: "cls",
      dense: undefined,
      dimensions: 1024,
    });
  });

  test("BERT counts positions from 0, and has the pooling of its 1_Pooling/config.json", async () => {
    await write({ "config.json": bert, "1_Pooling/config.json": { pooling_mode_mean_tokens: true } });
    const expected = { positions: 2048, positionOffset: 0, tokenTypes: 2, dimensions: 312 };
    expect(await readEncoderShape(folder)).toMatchObject({ ...expected, pooling: "mean" });
    await expect(readEncoderShape(folder, "cls")).rejects.toThrow(
      "asks for mean pooling, and it is registered with cls",
    );
  });

  test.each([
    ["bert", { positions: 512, positionOffset: 0, vocabulary: 30522, tokenTypes: 2, distances: 0 }],
    ["roberta", { positions: 510, positionOffset: 2, vocabulary: 50265, tokenTypes: 2, distances: 0 }],
    ["distilbert", { layers: 6, positions: 512, positionOffset: 0, vocabulary: 30522, tokenTypes: 0, distances: 0 }],
    ["mpnet", { layers: 12, positions: 510, positionOffset: 2, vocabulary: 30527, tokenTypes: 0, distances: 32 }],
  ])("%s has transformers' defaults for what its config.json leaves out", async (model_type, expected) => {
    await write({ "config.json": { model_type } });
    expect(await readEncoderShape(folder, "mean")).toMatchObject({
      ...{ hidden: 768, heads: 12, intermediate: 3072, layerNormEpsilon: 1e-12, ...expected },
    });
  });

  test("a model with a dense layer has the dimensions of that layer", async () => {
    await write({ "config.json": bert, "2_Dense/config.json": dense });
    expect(await readEncoderShape(folder, "cls")).toMatchObject({
      hidden: 312,
      dimensions: 1024,
      dense: { module: "2_Dense", activation: "tanh" },
    });
  });
});

describe("an encoder that the builder does not support is refused with the reason:", () => {
  test.each<{ what: string; files: Record<string, object>; message: string }>([
    {
      what: "another type",
      files: { "config.json": { ...bert, model_type: "deberta-v2" } },
      message: "it is of the type deberta-v2, and not bert, roberta, xlm-roberta, distilbert, mpnet",
    },
    {
      what: "no type at all",
      files: { "config.json": {} },
      message: "it is of the type undefined, and not bert, roberta, xlm-roberta, distilbert, mpnet",
    },
    {
      what: "another activation",
      files: { "config.json": { ...bert, hidden_act: "gelu_new" } },
      message: "its activation is gelu_new and not gelu",
    },
    {
      what: "relative positions",
      files: { "config.json": { ...bert, position_embedding_type: "relative_key" } },
      message: "its positions are relative_key and not absolute",
    },
    {
      what: "a number that is none",
      files: { "config.json": { ...bert, layer_norm_eps: "small" } },
      message: 'its config.json has "small" as layer_norm_eps',
    },
    {
      what: "no pooling",
      files: { "config.json": bert },
      message: "it has no 1_Pooling/config.json with its pooling",
    },
    {
      what: "another pooling",
      files: { "config.json": bert, "1_Pooling/config.json": { pooling_mode_max_tokens: true } },
      message: "its 1_Pooling/config.json asks for neither CLS nor mean pooling",
    },
    ...[
      { ...dense, in_features: 768 },
      { ...dense, bias: false },
      { ...dense, activation_function: "torch.nn.modules.activation.GELU" },
    ].map((changed) => ({
      what: "another dense layer",
      files: { "config.json": bert, "2_Dense/config.json": changed },
      message: "its 2_Dense is not a layer of 312 inputs with a bias and Identity or Tanh",
    })),
  ])("$what", async ({ files, message }) => {
    await write(files);
    await expect(readEncoderShape(folder)).rejects.toMatchObject({
      code: "encoder_unsupported",
      message: `${folder} cannot be prepared: ${message}.`,
      remedy: expect.stringContaining("onnx/model.onnx"),
    });
  });

  test("a config.json that is not JSON", async () => {
    await expect(readEncoderShape(folder)).rejects.toMatchObject({
      code: "encoder_unsupported",
      message: `${join(folder, "config.json")} cannot be read as JSON.`,
    });
  });
});

async function write(files: Record<string, object>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), JSON.stringify(content));
  }
}
