import { loadConfig, withProfiles } from "@reembed/config";
import { startOnnxEmbedder } from "@reembed/embedder";
import { createLogger } from "@reembed/runtime";
import { HashingEmbedder, testProfile } from "@reembed/testing";
import { SomeEmbeddingServer } from "@reembed/testing/embedders";
import { beforeEach, expect, test } from "vitest";
import { checkEndpoints } from "./endpoint.ts";
import type { Finding } from "./finding.ts";

const { model } = testProfile("mini-m3");
let server: SomeEmbeddingServer;
beforeEach(async () => {
  server = await SomeEmbeddingServer.start(await startOnnxEmbedder({ model, modelsFolder: "unused", device: "cpu" }));
  return () => server[Symbol.asyncDispose]();
});

async function check(settings: Record<string, string>): Promise<Finding[]> {
  const config = withProfiles(
    loadConfig({ BASELINE_PROFILE: "mini-rubert", CANDIDATE_PROFILE: "mini-m3", ...settings }),
  );
  const log = createLogger("silent");
  return await checkEndpoints({
    ...{ config, log, profiles: [config.baseline, config.candidate] },
    ...{ models: [], registered: [], database: undefined, server: undefined, redis: undefined, queue: undefined },
    ...{ sample: undefined, device: undefined },
  });
}

test("if an endpoint has the model under another name, the finding lists the endpoint's models", async () => {
  server.servedModel = "m3";
  server.listed = ["m3"];
  const settings = { EMBEDDING_ENDPOINT: server.endpoint };
  expect(await check(settings)).toEqual([
    {
      check: "EMBEDDING_ENDPOINT",
      verdict: "problem",
      says: expect.stringMatching(/^The embedding server at http.* does not have mini-m3\. It has m3$/),
      remedy: "Set EMBEDDING_ENDPOINT_MODEL to the server's name for the model.",
    },
  ]);
  expect(await check({ ...settings, EMBEDDING_ENDPOINT_MODEL: "m3" })).toEqual([
    { check: "EMBEDDING_ENDPOINT", verdict: "ok", says: "embeds for mini-m3 with its model m3", remedy: null },
  ]);
});

test("an endpoint with another model must be fixed", async () => {
  await using other = await SomeEmbeddingServer.start(new HashingEmbedder({ model }));
  expect(await check({ EMBEDDING_ENDPOINT: other.endpoint })).toMatchObject([
    { verdict: "problem", says: expect.stringContaining("does not have mini-m3: its vector of the golden text") },
  ]);
});

test("an endpoint that is away must be fixed; without an endpoint there is no finding", async () => {
  const { endpoint } = server;
  await server[Symbol.asyncDispose]();
  server = await SomeEmbeddingServer.start(new HashingEmbedder({ model }));
  expect(await check({ EMBEDDING_ENDPOINT: endpoint })).toMatchObject([{ verdict: "problem" }]);
  expect(await check({})).toEqual([]);
});
