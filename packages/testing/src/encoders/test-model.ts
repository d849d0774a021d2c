import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Model } from "@reembed/core";
import { modelFolder } from "@reembed/embedder";
import { type PrepareOptions, prepareModel } from "@reembed/model-builder/prepare";
import { type EncoderKind, fixtures } from "./exported-encoders.ts";

/** A tiny PyTorch encoder in a models folder, which is removed on disposal. */
export interface TestModel extends AsyncDisposable {
  model: Model;
  modelsFolder: string;
  /** The model's own folder. */
  folder: string;
}

/** @param weights Which weights it has: PyTorch's export, or its checkpoint. */
export async function writeTestModel(
  kind: EncoderKind,
  weights: "export" | "model.safetensors" | "pytorch_model.bin",
  pooling: "cls" | "mean" = "cls",
): Promise<TestModel> {
  const modelsFolder = await mkdtemp(join(tmpdir(), "reembed-prepare-"));
  const model = {
    id: "test/tiny",
    revision: "r1",
    dimensions: 16,
    outputDimensions: 16,
    maxTokens: 18,
    pooling,
    prompts: { query: "", passage: "" },
    bundled: false,
  };
  const folder = modelFolder(model, modelsFolder);
  await mkdir(join(folder, "onnx"), { recursive: true });
  await writeFile(join(folder, "config.json"), JSON.stringify(configOf(kind)));
  await writeFile(join(folder, "tokenizer.json"), JSON.stringify(wordTokenizer()));
  if (weights === "export") await cp(join(fixtures, kind, "opset-17.onnx"), join(folder, "onnx/model.onnx"));
  else await cp(join(fixtures, kind, weights), join(folder, weights));
  return { model, modelsFolder, folder, [Symbol.asyncDispose]: () => rm(modelsFolder, { recursive: true }) };
}

/** Texts of different lengths and words. */
export const texts: readonly string[] = Array.from({ length: 24 }, (_, text) =>
  Array.from({ length: 1 + (text % 12) }, (_, place) => word(text * 7 + place * 3)).join(" "),
);
const samples: readonly string[] = Array.from({ length: 8 }, (_, text) =>
  Array.from({ length: 9 }, (_, place) => word(text * 5 + place)).join(" "),
);

/** Prepares it for the CPU, by default in fp32. */
export async function prepareTestModel({ model, folder }: TestModel, options: Partial<PrepareOptions> = {}) {
  return await prepareModel({ model, folder, device: "cpu", dtype: "fp32", texts, samples, ...options });
}

/** Overwrites a tensor of the checkpoint with NaN. */
export async function spoilWeights({ folder }: TestModel, tensor: string): Promise<void> {
  const path = join(folder, "model.safetensors");
  const file = await readFile(path);
  const start = 8 + Number(file.readBigUInt64LE());
  const header: Record<string, { data_offsets: [number, number] }> = JSON.parse(file.toString("utf8", 8, start));
  const [begin, end] = header[tensor]?.data_offsets ?? [0, 0];
  for (let place = start + begin; place < start + end; place += 4) file.writeFloatLE(Number.NaN, place);
  await writeFile(path, file);
}

function configOf(kind: EncoderKind): Record<string, unknown> {
  return {
    model_type: kind,
    hidden_act: "gelu",
    hidden_size: 16,
    num_hidden_layers: 2,
    num_attention_heads: 2,
    intermediate_size: 24,
    vocab_size: 50,
    max_position_embeddings: 20,
    type_vocab_size: kind === "bert" ? 2 : 1,
    layer_norm_eps: 1e-12,
    pad_token_id: 1,
  };
}

function word(place: number): string {
  return `word${4 + (place % 46)}`;
}

/** Each word is one token; each text has two special tokens in addition. */
function wordTokenizer(): Record<string, unknown> {
  const special = ["<s>", "<pad>", "</s>", "<unk>"];
  const words = Array.from({ length: 46 }, (_, place) => word(place));
  const template = (id: number) => ({ id: special[id], ids: [id], tokens: [special[id]] });
  const sequence = [
    { SpecialToken: { id: "<s>", type_id: 0 } },
    { Sequence: { id: "A", type_id: 0 } },
    { SpecialToken: { id: "</s>", type_id: 0 } },
  ];
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: special.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: { type: "Whitespace" },
    post_processor: {
      type: "TemplateProcessing",
      single: sequence,
      pair: sequence,
      special_tokens: { "<s>": template(0), "</s>": template(2) },
    },
    decoder: null,
    model: {
      type: "WordLevel",
      vocab: Object.fromEntries([...special, ...words].map((token, id) => [token, id])),
      unk_token: "<unk>",
    },
  };
}
