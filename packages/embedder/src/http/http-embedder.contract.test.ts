import { type Model, models } from "@reembed/core";
import { HashingEmbedder } from "@reembed/testing";
import { describeEmbedder, type ModelChange, SomeEmbeddingServer, vectorsOf } from "@reembed/testing/embedders";
import { expect, test } from "vitest";
import type { Embedder } from "../embedder.ts";
import { modelFolder } from "../models/model-files.ts";
import { startOnnxEmbedder } from "../onnx/onnx-embedder.ts";
import { Tokenizer } from "../tokenizer/tokenizer.ts";
import { startHttpEmbedder } from "./http-embedder.ts";

const [miniRubert, miniM3] = ["mini-rubert", "mini-m3"].map((id) => models.get(id) as Model) as [Model, Model];
/** No graph of this revision was prepared, so it is not compared with a golden vector. Long texts are short for a test. */
const double = { ...miniM3, revision: "a double", maxTokens: 512 };
const settings = { modelsFolder: "unused", device: "cpu", tokenBudget: 512 };

/** An embedder with a server of its own, which is closed with it. The server knows nothing of the changes to its model. */
async function startOver(behind: Embedder, change: ModelChange, tokenizer?: Tokenizer): Promise<Embedder> {
  await using scope = new AsyncDisposableStack();
  const server = scope.use(await SomeEmbeddingServer.start(behind));
  const model = { ...behind.model, ...change };
  const options = { ...settings, model, variables: "EMBEDDING", endpoint: server.endpoint, requestTexts: 4 };
  const embedder = scope.use(await startHttpEmbedder(tokenizer === undefined ? options : { ...options, tokenizer }));
  const opened = scope.move();
  return {
    model,
    device: embedder.device,
    embed: (texts, reading) => embedder.embed(texts, reading),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

describeEmbedder("the HTTP embedder over a server of mini-rubert", async (change) =>
  startOver(await startOnnxEmbedder({ model: miniRubert, ...settings }), change),
);
describeEmbedder("the HTTP embedder over a server of the hashing double", (change) =>
  startOver(new HashingEmbedder({ model: double }), change),
);
describeEmbedder("the HTTP embedder on a platform without the native tokenizer", (change) => {
  const tokenizer = new Tokenizer(modelFolder(miniM3, "unused"), double.maxTokens, { nativeModule: "no-such-binary" });
  return startOver(new HashingEmbedder({ model: double }), change, tokenizer);
});

test("a text has the same vector over HTTP as in this process", async () => {
  const texts = ["отпуск", "зарплата выплачивается дважды в месяц", "отпуск ".repeat(600), "семья 👨‍👩‍👧‍👦 中文 №5"];
  await using here = await startOnnxEmbedder({ model: miniRubert, ...settings });
  await using there = await startOver(await startOnnxEmbedder({ model: miniRubert, ...settings }), {});
  const [expected, actual] = await Promise.all([vectorsOf(here, texts), vectorsOf(there, texts)]);
  for (const [place, vector] of actual.entries()) {
    for (const [index, value] of vector.entries()) expect(value).toBeCloseTo(expected[place]?.[index] ?? Number.NaN, 5);
  }
});
