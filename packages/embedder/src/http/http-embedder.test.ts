import { type Model, models, ReembedError } from "@reembed/core";
import { HashingEmbedder, waitFor } from "@reembed/testing";
import {
  body,
  data,
  embedAll,
  type Fault,
  hang,
  SomeEmbeddingServer,
  status,
  vectorsOf,
} from "@reembed/testing/embedders";
import { beforeEach, describe, expect, test } from "vitest";
import type { Embedder } from "../embedder.ts";
import { startOnnxEmbedder } from "../onnx/onnx-embedder.ts";
import { type HttpEmbedderOptions, startHttpEmbedder } from "./http-embedder.ts";

/** No graph of this revision was prepared, so that a double of the model is not held against a golden vector. */
const model = { ...(models.get("mini-m3") as Model), revision: "a double" };
const retries = { tries: 3, firstWaitMs: 1, mostWaitMs: 2_000 };
const settings = {
  model,
  modelsFolder: "unused",
  variables: "EMBEDDING",
  requestTexts: 32,
  tokenBudget: 16_384,
  retries,
};
const texts = ["отпуск", "зарплата", "приказ", "болезнь"];

let server: SomeEmbeddingServer;
beforeEach(async () => {
  server = await SomeEmbeddingServer.start(new HashingEmbedder({ model }));
  return () => server[Symbol.asyncDispose]();
});

/** Starts an embedder and removes its first text from the server's records. */
async function start(options: Partial<HttpEmbedderOptions> = {}): Promise<Embedder> {
  const embedder = await startHttpEmbedder({ ...settings, endpoint: server.endpoint, ...options });
  server.requests.length = 0;
  return embedder;
}

async function failureOf(work: Promise<unknown>): Promise<ReembedError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ReembedError)) throw new Error("Not a ReembedError", { cause: error });
  return error;
}

describe("a request", () => {
  test("asks for floats and names the model by its id, always with the key", async () => {
    server.requiredKey = "sk-secret";
    await using embedder = await start({ endpoint: `${server.endpoint}/`, apiKey: "sk-secret" });
    await embedAll(embedder, ["отпуск"]);
    expect(server.requests).toEqual([
      {
        path: "/v1/embeddings",
        authorization: "Bearer sk-secret",
        model: "mini-m3",
        input: ["отпуск"],
        encoding_format: "float",
      },
    ]);
  });

  test("stays within the limits of texts, tokens and concurrent requests", async () => {
    const many = Array.from({ length: 40 }, (_, place) => `отпуск ${place}`);
    await using embedder = await start({ requestTexts: 3, tokenBudget: 12, requestsInFlight: 2 });
    server.mostAtOnce = 0;
    server.faults.push((response, entries) => {
      void waitFor("a second request", () => server.requests.length > 1).then(() => data((e) => e)(response, entries));
    });
    expect(await vectorsOf(embedder, [...many, "слово ".repeat(50)])).toHaveLength(41);
    expect(Math.max(...server.requests.map(({ input }) => input.length))).toBeLessThanOrEqual(3);
    expect(server.requests[0]?.input).toHaveLength(1);
    expect(server.mostAtOnce).toBe(2);
  });

  test("contains every text once, even if it was given several times", async () => {
    await using embedder = await start();
    const outcomes = await embedAll(embedder, ["отпуск", "приказ", "отпуск", " ", "отпуск"]);
    expect(outcomes.map((outcome) => "vector" in outcome)).toEqual([true, true, true, false, true]);
    expect(server.texts.sort()).toEqual(["отпуск", "приказ"]);
  });

  test("contains only the part of a text that the model reads, and no half character", async () => {
    const short = { ...model, maxTokens: 8 };
    await using embedder = await start({ model: short });
    const [long] = await embedAll(embedder, ["👍🏽 отпуск и болезнь ".repeat(10), "half a pair \ud83d"]);
    expect(long).toMatchObject({ truncatedTokens: expect.any(Number) });
    const [sent] = server.texts.filter((text) => text.startsWith("👍"));
    expect(sent?.length).toBeLessThan(40);
    expect(server.texts).toContain("half a pair \ufffd");
    expect(server.texts.every((text) => text.isWellFormed())).toBe(true);
  });
});

describe("an answer", () => {
  test.each<[string, Fault]>([
    ["in another order", data((entries) => entries.toReversed())],
    ["in base64, as its default", data((entries) => entries.map((e) => ({ ...e, embedding: inBase64(e.embedding) })))],
    ["with unknown fields", data((entries) => entries.map((entry) => ({ ...entry, usage: 1 })))],
  ])("%s is read by its indexes", async (_, fault) => {
    await using embedder = await start();
    const expected = await vectorsOf(embedder, texts);
    server.faults.push(fault);
    expect(await vectorsOf(embedder, texts)).toEqual(expected);
  });

  test("that is longer than the profile stores it is cut and normalised", async () => {
    await using longer = await start();
    const [whole] = await vectorsOf(longer, ["отпуск"]);
    await using embedder = await start({ model: { ...model, dimensions: 256 } });
    const [vector] = await vectorsOf(embedder, ["отпуск"]);
    const length = Math.hypot(...(whole?.subarray(0, 256) ?? []));
    expect(vector).toHaveLength(256);
    for (const [place, value] of (vector ?? []).entries()) expect(value).toBeCloseTo((whole?.[place] ?? 0) / length, 5);
  });

  test.each<[string, Fault]>([
    ["null", data((entries) => entries.map((e) => (e.index === 2 ? { ...e, embedding: e.embedding.fill(null) } : e)))],
    ["NaN", body((whole) => whole.replace(/(?<="index":2,"embedding":\[)[^,]+/, "NaN"))],
    ["-Infinity", body((whole) => whole.replace(/(?<="index":2,"embedding":\[)[^,]+/, "-Infinity"))],
    ["a string", body((whole) => whole.replace(/(?<="index":2,"embedding":\[)[^,]+/, '"0.5"'))],
    ["nothing but zeros", body((whole) => whole.replace(/(?<="index":2,"embedding":)\[[^\]]+\]/, zeros))],
  ])("with %s among its numbers rejects only that text, as invalid_vector", async (_, fault) => {
    await using embedder = await start();
    server.faults.push(fault);
    const outcomes = await embedAll(embedder, texts);
    // Texts of equal length are sent in their order.
    const lost = server.requests[0]?.input[2];
    expect(outcomes.filter((outcome) => "rejected" in outcome)).toMatchObject([
      { index: texts.indexOf(lost ?? ""), rejected: "invalid_vector" },
    ]);
  });

  test.each<[string, Fault, RegExp]>([
    ["with fewer vectors than texts", data((entries) => entries.slice(1)), /3 vectors came for 4 texts$/],
    ["with more vectors than texts", data((e) => [...e, ...e]), /8 vectors came for 4 texts$/],
    ["with an index twice", data((e) => e.map((entry) => ({ ...entry, index: 1 }))), /two vectors have the index 1$/],
    ["with an index beyond the texts", data((e) => e.map((x) => ({ ...x, index: x.index + 1 }))), /has the index 4$/],
    ["without indexes", data((e) => e.map(({ embedding }) => ({ embedding }))), /has the index undefined$/],
    ["in base64 of no floats", data((e) => e.map((x) => ({ ...x, embedding: "AACA" }))), /holds no 32-bit floats$/],
    [
      "with text for a vector",
      data((e) => e.map((x) => ({ ...x, embedding: {} }))),
      /of type object and not a list of numbers$/,
    ],
    [
      "with other dimensions",
      data((e) => e.map((x) => ({ ...x, embedding: x.embedding.slice(0, 768) }))),
      /has 768 dimensions; 1024 were expected$/,
    ],
    ["without data", status(200, { embeddings: [] }), /no list of embeddings$/],
  ])("%s is refused at once", async (_, fault, message) => {
    await using embedder = await start();
    server.faults.push(fault);
    const error = await failureOf(embedAll(embedder, texts));
    expect(error).toMatchObject({ code: "embedding_answer_invalid", message: expect.stringMatching(message) });
    expect(server.requests).toHaveLength(1);
  });
});

describe("at the start", () => {
  test("a server that is away is refused after the last retry", async () => {
    const { endpoint } = server;
    await server[Symbol.asyncDispose]();
    server = await SomeEmbeddingServer.start(new HashingEmbedder({ model }));
    const error = await failureOf(startHttpEmbedder({ ...settings, endpoint }));
    expect(error).toMatchObject({ code: "embedding_server_away", exitCode: 1 });
    expect(error.message).toMatch(
      /^The embedding server at http:\/\/127\.0\.0\.1:\d+\/v1\/embeddings does not answer: .*ECONNREFUSED/,
    );
    expect(error.remedy).toContain("EMBEDDING_ENDPOINT");
  });

  test.each([undefined, "sk-wrong"])(
    "a server that rejects the key %s is refused, and no message contains the key",
    async (apiKey) => {
      server.requiredKey = "sk-right";
      const error = await failureOf(start({ apiKey }));
      expect(error).toMatchObject({ code: "embedding_server_refuses", exitCode: 2 });
      expect(error.message).toMatch(/refuses a request with 401: Incorrect API key/);
      expect(error.remedy).toContain("EMBEDDING_API_KEY");
      expect(JSON.stringify([error.message, error.stack, error.cause])).not.toContain("sk-wrong");
      expect(server.requests).toHaveLength(1);
    },
  );

  test("a server that does not know the model, or does not serve embeddings, is refused", async () => {
    const unknown = await failureOf(start({ servedModel: "nonsense" }));
    expect(unknown).toMatchObject({ code: "embedding_server_refuses", exitCode: 2 });
    expect(unknown.message).toMatch(/with 404: The model nonsense does not exist\.$/);
    expect(await failureOf(start({ endpoint: server.endpoint.replace("/v1", "/v2") }))).toMatchObject({ exitCode: 2 });
  });

  test("requests name the model by the server's name for it", async () => {
    server.servedModel = "bge-m3";
    await using embedder = await start({ servedModel: "bge-m3" });
    await embedAll(embedder, ["отпуск"]);
    expect(server.requests[0]?.model).toBe("bge-m3");
    expect(embedder.model.id).toBe("mini-m3");
  });

  test("if the server has the model under another name, the error lists the server's models", async () => {
    server.servedModel = "m3-mini";
    server.listed = ["whisper", "m3-mini", "bad\nname", ...Array.from({ length: 20 }, (_, n) => `other-${n}`)];
    const error = await failureOf(start());
    expect(error).toMatchObject({ code: "embedding_server_refuses", exitCode: 2 });
    expect(error.message).toMatch(
      /does not have mini-m3\. It has whisper, m3-mini, other-0, .*, other-7 and 12 others\.$/,
    );
    expect(error.remedy).toMatch(/EMBEDDING_ENDPOINT_MODEL/);
  });

  test("a refusal for another reason is passed on as it is", async () => {
    server.listed = ["mini-m3"];
    server.requiredKey = "sk-right";
    expect((await failureOf(start({ apiKey: "sk-wrong" }))).message).toMatch(/with 401: Incorrect API key/);
    server.faults.push(status(400, { message: "encoding_format is not known" }));
    expect((await failureOf(start({ apiKey: "sk-right" }))).message).toMatch(/with 400: encoding_format is not known/);
  });

  test("a server whose model has other dimensions is refused", async () => {
    await using other = await SomeEmbeddingServer.start(new HashingEmbedder({ model: { ...model, dimensions: 768 } }));
    const error = await failureOf(startHttpEmbedder({ ...settings, endpoint: other.endpoint }));
    expect(error).toMatchObject({ code: "model_unusable", exitCode: 2 });
    expect(error.message).toMatch(/has 768 dimensions; 1024 were expected$/);
  });

  test("a server with another model of the same dimensions is refused if a graph of the right one was prepared here", async () => {
    const prepared = models.get("mini-m3") as Model;
    const error = await failureOf(start({ model: prepared }));
    expect(error).toMatchObject({ code: "golden_vector_differs", exitCode: 2 });
    expect(error.message).toMatch(/^The embedding server does not have mini-m3: .* similarity of -?0\.\d+ to/);
    await using right = await SomeEmbeddingServer.start(
      await startOnnxEmbedder({ model: prepared, modelsFolder: "unused", device: "cpu" }),
    );
    await using embedder = await start({ model: prepared, endpoint: right.endpoint });
    expect(await vectorsOf(embedder, texts)).toHaveLength(texts.length);
  });

  test("a model without a local tokenizer.json is refused with the file's path and a remedy", async () => {
    const bge = models.get("BAAI/bge-m3") as Model;
    const error = await failureOf(start({ model: bge, modelsFolder: "/nowhere" }));
    expect(error).toMatchObject({ code: "model_file_missing" });
    expect(error.message).toMatch(/^\/nowhere\/BAAI\/bge-m3\/tokenizer\.json is missing/);
    expect(error.remedy).toContain("model pull BAAI/bge-m3");
  });

  test.each([{ endpoint: "http://user:hunter2@tei/v1" }, { apiKey: "hunter2\n" }])(
    "settings that fetch would quote in an error are refused first: %o",
    async (options) => {
      const error = await failureOf(start(options));
      expect(error).toMatchObject({ code: "embedding_settings_invalid", exitCode: 2 });
      expect(error.message).not.toContain("hunter2");
    },
  );
});

describe("disposed of with a request in flight", () => {
  test("it aborts the request, its caller gets an error, and it takes no more texts", async () => {
    const embedder = await start();
    server.faults.push(hang);
    const call = failureOf(embedAll(embedder, texts));
    await waitFor("the request", () => server.requests.length === 1);
    await embedder[Symbol.asyncDispose]();
    expect(await call).toMatchObject({ code: "inference_died" });
    expect(await failureOf(embedAll(embedder, texts))).toMatchObject({ code: "inference_died" });
    expect(server.requests).toHaveLength(1);
  });

  test("it does not wait for the next retry", async () => {
    const embedder = await start({ retries: { tries: 3, firstWaitMs: 1, mostWaitMs: 60_000 } });
    server.faults.push(status(503, {}, { "retry-after": "50" }));
    const call = failureOf(embedAll(embedder, texts));
    await waitFor("the request", () => server.requests.length === 1);
    await embedder[Symbol.asyncDispose]();
    expect(await call).toMatchObject({ code: "inference_died" });
  });
});

function inBase64(values: readonly (number | null)[]): string {
  const floats = Float32Array.from(values as readonly number[]);
  return Buffer.from(floats.buffer).toString("base64");
}

function zeros(vector: string): string {
  return JSON.stringify((JSON.parse(vector) as number[]).map(() => 0));
}
