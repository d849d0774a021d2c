import { type Model, models, type Profile } from "@reembed/core";
import { HashingEmbedder } from "@reembed/testing";
import { SomeEmbeddingServer, vectorsOf } from "@reembed/testing/embedders";
import { expect, test } from "vitest";
import { type EmbedderSettings, embeddingServerOf, startProfileEmbedder } from "./profile-embedder.ts";

const model = models.get("mini-m3") as Model;
const settings: EmbedderSettings = {
  ...{ baseline: { name: "old" }, candidate: { name: "new" }, models: { folder: "unused" } },
  worker: { tokenBudget: undefined },
  embeddingServers: {
    baseline: { variables: "BASELINE_EMBEDDING", apiKey: "sk-old", requestTexts: 8 },
    candidate: { variables: "EMBEDDING", apiKey: "sk-new", requestTexts: 8 },
  },
};
const provider = { address: "https://api.openai.com/v1", servedName: "text-embedding-3-small", pricePerMillion: 0.02 };
const profile = (name: string, changed: Partial<Model> = {}): Profile => ({
  ...{ name, chunking: { size: 1500, overlap: 150 }, model: { ...model, ...changed }, limit: 10, threshold: 0 },
});
const log = { warn: () => {} };

test("a profile has the server of its side's environment, or else of its model, with the key of its side", () => {
  expect(embeddingServerOf(settings, profile("old"))).toBeUndefined();
  const served = { servedModel: "text-embedding-3-small", price: 0.02 };
  expect(embeddingServerOf(settings, profile("old", { endpoint: provider }))).toMatchObject({
    ...{ variables: "BASELINE_EMBEDDING", endpoint: provider.address, apiKey: "sk-old", ...served },
  });
  expect(embeddingServerOf(settings, profile("new", { endpoint: provider }))).toMatchObject({ apiKey: "sk-new" });

  const { baseline, candidate } = settings.embeddingServers;
  const tei = { ...settings, embeddingServers: { baseline, candidate: { ...candidate, endpoint: "http://tei/v1" } } };
  // What it is called and costs at its provider is not true of another server.
  expect(embeddingServerOf(tei, profile("new", { endpoint: provider }))).toEqual({
    ...{ ...candidate, endpoint: "http://tei/v1", servedModel: undefined, price: undefined },
  });
  expect(embeddingServerOf(tei, profile("old"))).toBeUndefined();
  expect(embeddingServerOf(tei, profile("third"))).toBeUndefined();
});

test("a model that is at a provider needs no tokenizer.json here, and what the provider finds too long is refused by it", async () => {
  const double = { ...model, id: "provider/large", revision: "a double", bundled: false };
  await using server = await SomeEmbeddingServer.start(new HashingEmbedder({ model: double }));
  const endpoint = { address: server.endpoint, servedName: double.id };
  const of = profile("old", { ...double, endpoint, maxTokens: 8 });
  await using embedder = await startProfileEmbedder(of, settings, { device: "cpu", log });
  const long = "a text of more than eight tokens, however they are counted";
  expect(await vectorsOf(embedder, ["short", long])).toHaveLength(2);
  expect(server.texts).toContain(long);
});

test("nothing embeds for a profile whose vectors were adopted as they are", async () => {
  const asIs = profile("old", { id: "as-is", revision: "as-is-1024", unknown: true });
  await expect(startProfileEmbedder(asIs, settings, { device: "cpu", log })).rejects.toMatchObject({
    ...{
      code: "model_as_is",
      exitCode: 3,
      message: expect.stringMatching(/^The vectors of old were adopted as they are/),
    },
  });
});
