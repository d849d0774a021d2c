import { isTransient, type Model, models, ReembedError } from "@reembed/core";
import { HashingEmbedder, waitFor } from "@reembed/testing";
import {
  body,
  breakOff,
  data,
  embedAll,
  type Fault,
  hang,
  SomeEmbeddingServer,
  status,
  vectorsOf,
} from "@reembed/testing/embedders";
import { beforeEach, describe, expect, test } from "vitest";
import type { Embedder, TextOutcome } from "../embedder.ts";
import { retryAfterMs } from "./endpoint-error.ts";
import { type HttpEmbedderOptions, startHttpEmbedder } from "./http-embedder.ts";

/** No graph of this revision was prepared, so that a double of the model is not held against a golden vector. */
const model = { ...(models.get("mini-m3") as Model), revision: "a double" };
const texts = ["отпуск", "зарплата", "приказ", "болезнь"];

let server: SomeEmbeddingServer;
let embedder: Embedder;
beforeEach(async () => {
  await using scope = new AsyncDisposableStack();
  server = scope.use(await SomeEmbeddingServer.start(new HashingEmbedder({ model })));
  embedder = scope.use(await startEmbedder());
  server.requests.length = 0;
  const opened = scope.move();
  return () => opened.disposeAsync();
});

type Limits = Pick<HttpEmbedderOptions, "requestsInFlight" | "requestsPerMinute" | "meter"> & { requestTexts?: number };

async function startEmbedder(options: Limits = {}): Promise<Embedder> {
  return await startHttpEmbedder({
    model,
    modelsFolder: "unused",
    variables: "EMBEDDING",
    endpoint: server.endpoint,
    requestTexts: 32,
    tokenBudget: 16_384,
    // Every unanswered request waits this long; an answer on a busy machine must come sooner.
    timeoutMs: 1_500,
    retries: { tries: 3, firstWaitMs: 1, mostWaitMs: 2_000 },
    ...options,
  });
}

async function failureOf(of: Embedder, given: readonly string[] = texts): Promise<ReembedError> {
  const error = await embedAll(of, given).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ReembedError)) throw new Error("Not a ReembedError", { cause: error });
  return error;
}

const cutJson = body((whole) => whole.slice(0, -100));
const passing: [string, Fault][] = [
  ["500", status(500)],
  ["503", status(503)],
  ["408", status(408)],
  ["429 without a Retry-After", status(429)],
  ["no answer", hang],
  ["a connection that ends in the middle of the answer", breakOff],
  ["JSON that ends in the middle", cutJson],
];

describe("a temporary failure", () => {
  test.each(passing)("is retried: %s, twice, then an answer", async (_, fault) => {
    server.faults.push(fault, fault);
    expect(await vectorsOf(embedder, texts)).toHaveLength(texts.length);
    expect(server.requests).toHaveLength(3);
  });

  test("is not retried for ever", async () => {
    server.faultOf = () => status(503);
    await failureOf(embedder);
    expect(server.requests).toHaveLength(3);
  });

  test("waits as long as the server asks for by Retry-After", async () => {
    server.faults.push(status(429, {}, { "retry-after": "1" }));
    const startedAt = performance.now();
    await embedAll(embedder, texts);
    expect(performance.now() - startedAt).toBeGreaterThan(1_000);
  });

  test("is passed to the caller if the server asks for a longer wait than the maximum, and nothing is sent until then", async () => {
    server.faults.push(status(503, {}, { "retry-after": "3600" }));
    expect(isTransient(await failureOf(embedder))).toBe(true);
    const error = await failureOf(embedder);
    expect(isTransient(error)).toBe(true);
    expect(error.message).toMatch(/does not answer: it asked to be left alone for another 3600 s$/);
    expect(server.requests).toHaveLength(1);
  });

  test("with a Retry-After is read as seconds or as a date, and ignored otherwise", () => {
    const now = Date.parse("Wed, 21 Oct 2026 07:28:00 GMT");
    expect(retryAfterMs("120", now)).toBe(120_000);
    expect(retryAfterMs("Wed, 21 Oct 2026 07:28:30 GMT", now)).toBe(30_000);
    expect(retryAfterMs("Wed, 21 Oct 2026 07:00:00 GMT", now)).toBe(0);
    expect(retryAfterMs("soon", now)).toBe(0);
    expect(retryAfterMs(null, now)).toBe(0);
  });
});

describe("a failure that lasts", () => {
  test.each<[string, Fault]>([
    ["503", status(503)],
    ["429", status(429)],
    ["no answer", hang],
    ["broken connections", breakOff],
    ["a key that is no longer accepted", status(401)],
    ["a model that is being reloaded", status(404)],
  ])("is an outage, and no text is blamed: %s", async (_, fault) => {
    server.faultOf = () => fault;
    const error = await failureOf(embedder);
    expect(error).toMatchObject({ code: "embedding_server_away" });
    expect(isTransient(error)).toBe(true);
  });

  test("is an outage while the server is away, and ends when it is back", async () => {
    const port = Number(new URL(server.endpoint).port);
    await server[Symbol.asyncDispose]();
    try {
      const error = await failureOf(embedder);
      expect(isTransient(error)).toBe(true);
      expect(error.message).toContain("ECONNREFUSED");
    } finally {
      server = await SomeEmbeddingServer.start(new HashingEmbedder({ model }), port);
    }
    await using back = server;
    expect(await vectorsOf(embedder, texts)).toHaveLength(texts.length);
    expect(back.requests).toHaveLength(1);
  });

  test.each<[string, Fault, string, number]>([
    ["400", status(400, { error: { message: "too long" } }), "embedding_request_refused", 1],
    ["413", status(413, { message: "too large" }), "embedding_request_refused", 1],
    ["422", status(422, { detail: "bad" }), "embedding_request_refused", 1],
    ["500", status(500, { error: "out of memory" }), "embedding_failed", 3],
    ["JSON that ends in the middle", cutJson, "embedding_answer_invalid", 3],
  ])("is not an outage if a text may be the cause: %s", async (_, fault, code, tries) => {
    server.faultOf = () => fault;
    const error = await failureOf(embedder);
    expect(error).toMatchObject({ code });
    expect(isTransient(error)).toBe(false);
    expect(server.requests).toHaveLength(tries);
  });

  test("quotes the server's reason in short, without the texts that the server repeats", async () => {
    server.faultOf = ({ input }) => status(422, { detail: [{ input, msg: "bad" }] });
    expect((await failureOf(embedder)).message).toMatch(/refuses a request with 422$/);
    server.faultOf = () => status(400, { error: { message: `bad\n${"x".repeat(1_000)}` } });
    expect((await failureOf(embedder)).message.length).toBeLessThan(350);
  });
});

test("if a server accepts fewer texts than it gets, the error says which setting to lower", async () => {
  await using greedy = await startEmbedder({ requestTexts: 64 });
  const error = await failureOf(
    greedy,
    Array.from({ length: 64 }, (_, place) => `отпуск ${place}`),
  );
  expect(error.message).toMatch(/refuses a request with 413: batch size 64 > 32$/);
  expect(error.remedy).toContain("EMBEDDING_REQUEST_TEXTS");
});

test("a failed request does not lose others: their outcomes are yielded before the error", async () => {
  await using single = await startEmbedder({ requestTexts: 1, requestsInFlight: 2 });
  server.faultOf = ({ input }) => (input[0] === "зарплата" ? status(422) : undefined);
  const given = ["отпуск", "зарплата"];
  const told: TextOutcome[] = [];
  const reading = (async () => {
    for await (const outcomes of single.embed(given, { as: "passage" })) told.push(...outcomes);
  })();
  await expect(reading).rejects.toMatchObject({ code: "embedding_request_refused" });
  expect(told).toMatchObject([{ index: 0 }]);
});

test("requests in flight are limited across the batches of a process, and so are the requests of a minute", async () => {
  await using shared = await startEmbedder({ requestTexts: 1, requestsInFlight: 2, requestsPerMinute: 6 });
  server.mostAtOnce = 0;
  server.requests.length = 0;
  // The first answer waits, so that another request can overlap with it.
  server.faults.push((response, entries) => {
    void waitFor("a second request", () => server.requests.length > 1).then(() => data((e) => e)(response, entries));
  });
  const batches = [texts, ["семья", "договор", "смена", "обед"]];
  const closed = Promise.allSettled(batches.map((batch) => embedAll(shared, batch)));
  // The first of the six was sent when the embedder started.
  await waitFor("five requests", () => server.requests.length === 5);
  await shared[Symbol.asyncDispose]();
  await closed;
  expect(server.mostAtOnce).toBe(2);
  expect(server.requests).toHaveLength(5);
});

test("a call that is abandoned half-way aborts its requests", async () => {
  await using single = await startEmbedder({ requestTexts: 1, requestsInFlight: 2 });
  server.requests.length = 0;
  let ended = false;
  server.faultOf = ({ input }) =>
    input[0] === "зарплата" ? (response) => void response.on("close", () => (ended = true)) : undefined;
  for await (const _ of single.embed(["отпуск", "зарплата", "приказ"], { as: "passage" })) break;
  await waitFor("the end of the request", () => ended);
});

describe("what a server is paid for", () => {
  /** A meter that counts, and what a batch of four texts has cost after the server answered as `faults` say. */
  async function paidFor(...faults: Fault[]): Promise<number> {
    let read = 0;
    const meter = {
      reserve: async () => 0,
      settle: (_: number, tokens: number) => {
        read += tokens;
      },
    };
    await using paid = await startEmbedder({ meter });
    read = 0;
    server.faults.push(...faults);
    await embedAll(paid, texts).catch(() => undefined);
    return read;
  }

  test("is what it says that it has read, or else the tokens that were sent", async () => {
    const sent = await paidFor();
    expect(sent).toBeGreaterThan(2 * texts.length);
    server.tokensPerText = 100;
    expect(await paidFor()).toBe(100 * texts.length);
  });

  test("includes requests that failed after they may have been read, and none that was refused", async () => {
    const once = await paidFor();
    expect(await paidFor(status(500), breakOff)).toBe(3 * once);
    expect(await paidFor(status(429), status(408))).toBe(once);
    expect(await paidFor(status(422))).toBe(0);
  });

  test("does not include requests to a server that is away", async () => {
    const meter = {
      reserve: async (tokens: number) => tokens,
      settle: (_: number, read: number) => void told.push(read),
    };
    const told: number[] = [];
    await using paid = await startEmbedder({ meter });
    const port = Number(new URL(server.endpoint).port);
    await server[Symbol.asyncDispose]();
    told.length = 0;
    await failureOf(paid);
    server = await SomeEmbeddingServer.start(new HashingEmbedder({ model }), port);
    expect(told).toEqual([0, 0, 0]);
  });

  test("is asked for beforehand: what may not be paid is not sent, and is not tried again", async () => {
    let allowed = true;
    const reserve = async () => {
      if (!allowed) throw new ReembedError("budget_spent", "The budget is spent.");
      return 0;
    };
    await using paid = await startEmbedder({ meter: { reserve, settle: () => {} } });
    server.requests.length = 0;
    allowed = false;
    const error = await failureOf(paid);
    expect({ code: error.code, transient: isTransient(error) }).toEqual({ code: "budget_spent", transient: true });
    expect(server.requests).toEqual([]);
  });
});
