import { existsSync, readdirSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Model, models } from "@reembed/core";
import {
  encodeSlowGraph,
  hasEnded,
  slowDimensions,
  type TemporaryModel,
  watchChildren,
  writeTemporaryModel,
} from "@reembed/testing";
import { embedAll, vectorsOf } from "@reembed/testing/embedders";
import { encodeTokenGraph, type TokenGraphOptions, tokenDimensions, tokenVector } from "@reembed/testing/models";
import { describe, expect, test } from "vitest";
import { modelFolder } from "../models/model-files.ts";
import { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { TokenizedText } from "../tokenizer/tokenizer-messages.ts";
import { type OnnxEmbedderOptions, startOnnxEmbedder } from "./onnx-embedder.ts";

const miniRubert = models.get("mini-rubert") as Model;
const settings = { device: "cpu", tokenBudget: 512 };
const texts = ["отпуск", "зарплата выплачивается дважды в месяц", "приказ о командировке", "болезнь"];

describe("an exported graph", () => {
  test.each(["cls", "mean", "last"] as const)("is pooled by %s without the padding", async (pooling) => {
    await using temporary = await writeTokenModel({}, { pooling });
    await using embedder = await startOnnxEmbedder({ ...temporary, ...settings });
    expectClose(await vectorsOf(embedder, texts), await expectedVectors(temporary));
  });

  test("gets its own padding token, because XLM-RoBERTa counts positions by it", async () => {
    const graph = encodeTokenGraph({ padId: 1 });
    const model = { dimensions: tokenDimensions, pooling: "mean" } as const;
    await using temporary = await writeTemporaryModel(graph, "mini-m3", model);
    await using embedder = await startOnnxEmbedder({ ...temporary, ...settings });
    expectClose(await vectorsOf(embedder, texts), await expectedVectors(temporary));
  });

  test("gets zeros for token types if it has that input", async () => {
    await using temporary = await writeTokenModel({ inputs: ["input_ids", "attention_mask", "token_type_ids"] });
    await using embedder = await startOnnxEmbedder({ ...temporary, ...settings });
    expectClose(await vectorsOf(embedder, texts), await expectedVectors(temporary));
  });

  test("that returns NaN for a text rejects only that text, as invalid_vector", async () => {
    const [salary] = await tokenize({ model: miniRubert, folder: modelFolder(miniRubert, "unused") }, ["зарплата"]);
    await using temporary = await writeTokenModel({ nanId: salary?.ids[1] ?? Number.NaN });
    await using embedder = await startOnnxEmbedder({ ...temporary, ...settings });
    const outcomes = await embedAll(embedder, texts);
    const results = outcomes.map((outcome) => ("rejected" in outcome ? outcome.rejected : "embedded"));
    expect(results).toEqual(["embedded", "invalid_vector", "embedded", "embedded"]);
  });
});

describe("a model is refused at the start", () => {
  test.each<{ why: string; graph?: TokenGraphOptions; model?: Partial<Model>; message: RegExp }>([
    {
      why: "when its vectors have other dimensions",
      model: { dimensions: 312 },
      message: /onnx\/model\.onnx returned float32 of 1 x \d+ x 4; float32 of 1 x \d+ x 312 was expected\.$/,
    },
    {
      why: "when its output is not float32",
      graph: { elementType: "float16" },
      message: /returned float16 of 1 x \d+ x 4; float32 of 1 x \d+ x 4 was expected/,
    },
    {
      why: "when its graph has an unknown input",
      graph: { inputs: ["input_ids", "attention_mask", "bbox"] },
      message: /model\.onnx has the unknown input bbox\.$/,
    },
    {
      why: "when it returns NaN for any text",
      graph: { output: "token_embeddings", nanId: 2 },
      message: /vector is zero or not finite/,
    },
  ])("$why", async ({ graph, model, message }) => {
    await using temporary = await writeTokenModel(graph, model);
    const error = await refusalOf({ ...temporary, ...settings });
    expect(error).toMatchObject({ code: "model_unusable", exitCode: 1 });
    expect(error).toHaveProperty("message", expect.stringMatching(message));
  });

  test("when its file is not a graph", async () => {
    await using temporary = await writeTemporaryModel(Buffer.from("<html>"), "mini-rubert", miniRubert);
    expect(await refusalOf({ ...temporary, ...settings })).toMatchObject({ code: "model_unusable", exitCode: 1 });
  });

  test("when its tokenizer.json is invalid", async () => {
    await using temporary = await writeTokenModel();
    await writeFile(join(temporary.folder, "tokenizer.json"), "{}");
    expect(await refusalOf({ ...temporary, ...settings })).toMatchObject({ code: "tokenizer_invalid", exitCode: 1 });
  });
});

const binding = new URL(`../bin/napi-v6/linux/${process.arch}/`, import.meta.resolve("onnxruntime-node"));
const hasCuda = existsSync(fileURLToPath(new URL("libonnxruntime_providers_cuda.so", binding)));
// On a machine with these files there is nothing to refuse.
test.skipIf(hasCuda)("a device whose files are not installed is refused by name, as wrong usage", async () => {
  await using temporary = await writeTokenModel();
  const error = await refusalOf({ ...temporary, ...settings, device: "cuda" });
  expect(error).toMatchObject({ code: "device_unavailable", exitCode: 2 });
  expect(error).toHaveProperty("message", expect.stringMatching(/^The device cuda cannot be used: /));
  expect(error).toHaveProperty("remedy", expect.stringContaining("docs/fleet.md"));
});

test("a text that the tokenizer fails on is rejected as tokenizer_failed, and the others are embedded", async () => {
  await using temporary = await writeTokenModel();
  const path = join(temporary.folder, "tokenizer.json");
  const tokenizer = JSON.parse(await readFile(path, "utf8"));
  // A word outside the vocabulary then has no token, which is a failure.
  tokenizer.model.unk_token = "[NONE]";
  await writeFile(path, JSON.stringify(tokenizer));
  await using embedder = await startOnnxEmbedder({ ...temporary, ...settings });
  const outcomes = await embedAll(embedder, ["отпуск", "", "漢字", "болезнь"]);
  const results = outcomes.map((outcome) => ("rejected" in outcome ? outcome.rejected : "embedded"));
  expect(results).toEqual(["embedded", "empty_text", "tokenizer_failed", "embedded"]);
});

test("if the child is killed in the middle of a run, that call fails, and the next call gets a new child", async () => {
  using watch = watchChildren();
  const model = { dimensions: slowDimensions, pooling: "mean", maxTokens: 100_000 } as const;
  await using temporary = await writeTemporaryModel(encodeSlowGraph(), "mini-m3", model);
  await using embedder = await startOnnxEmbedder({ ...temporary, ...settings, tokenBudget: 1 });
  const outcomes = embedder
    .embed(["слово ".repeat(101), "слово ".repeat(100)], { as: "passage" })
    [Symbol.asyncIterator]();
  expect(await outcomes.next()).toMatchObject({ value: [{ index: 0 }] });
  // The run has begun by now, and its result is still some tenths of a second away.
  const second = outcomes.next();
  watch.children[0]?.kill("SIGKILL");
  await expect(second).rejects.toMatchObject({ code: "inference_died", message: expect.stringContaining("SIGKILL") });

  expect(await vectorsOf(embedder, ["слово"])).toHaveLength(1);
  expect(watch.children).toHaveLength(2);
});

// Only Linux shows the number of threads of another process.
test.runIf(process.platform === "linux")("a run has as many threads as were asked for", async () => {
  await using temporary = await writeTokenModel();
  expect((await threadsWith(4)) - (await threadsWith(1))).toBe(3);

  async function threadsWith(threads: number): Promise<number> {
    using watch = watchChildren();
    await using _embedder = await startOnnxEmbedder({ ...temporary, ...settings, threads });
    return readdirSync(`/proc/${watch.children[0]?.pid}/task`).length;
  }
});

async function writeTokenModel(graph: TokenGraphOptions = {}, model: Partial<Model> = {}): Promise<TemporaryModel> {
  const settings = { dimensions: tokenDimensions, pooling: "mean", ...model } as const;
  return await writeTemporaryModel(encodeTokenGraph(graph), "mini-rubert", settings);
}

/** The error that a start fails with. Its child has ended by then. */
async function refusalOf(options: OnnxEmbedderOptions): Promise<unknown> {
  using watch = watchChildren();
  const error = await startOnnxEmbedder(options).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(watch.children.filter((child) => !hasEnded(child))).toEqual([]);
  return error;
}

async function expectedVectors(temporary: TemporaryModel): Promise<number[][]> {
  const tokenized = await tokenize(temporary, texts);
  return tokenized.map(({ ids }) => {
    const tokens = Array.from(ids, (id) => tokenVector(id, ids.length));
    const { pooling } = temporary.model;
    const pooled = pooling === "last" ? tokens.slice(-1) : tokens.slice(0, pooling === "cls" ? 1 : tokens.length);
    const sums = pooled[0]?.map((_, index) => pooled.reduce((sum, token) => sum + (token[index] ?? 0), 0)) ?? [];
    return sums.map((value) => value / Math.hypot(...sums));
  });
}

async function tokenize(
  { folder, model }: Pick<TemporaryModel, "folder" | "model">,
  texts: readonly string[],
): Promise<TokenizedText[]> {
  const answers = await new Tokenizer(folder, model.maxTokens).tokenize(texts);
  return answers.filter((answer) => "ids" in answer);
}

function expectClose(actual: readonly Float32Array[], expected: readonly number[][]): void {
  expect(actual).toHaveLength(expected.length);
  for (const [row, vector] of actual.entries()) {
    for (const [index, value] of vector.entries()) expect(value).toBeCloseTo(expected[row]?.[index] ?? Number.NaN, 5);
  }
}
