import { context, createTraceState, ROOT_CONTEXT, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { type Model, models } from "@reembed/core";
import { HashingEmbedder } from "@reembed/testing";
import { embedAll, SomeEmbeddingServer } from "@reembed/testing/embedders";
import { expect, onTestFinished, test } from "vitest";
import { startHttpEmbedder } from "./http-embedder.ts";

const model = { ...(models.get("mini-m3") as Model), revision: "a double" };

test("a request tells the server its trace only if it may, and nothing but the ids", async () => {
  await using server = await SomeEmbeddingServer.start(new HashingEmbedder({ model }));
  const { endpoint } = server;
  const spanContext = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7", traceFlags: 1 };
  const state = createTraceState("vendor=secret");
  const active = trace.setSpanContext(ROOT_CONTEXT, { ...spanContext, traceState: state });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  onTestFinished(() => context.disable());
  for (const traced of [undefined, true]) {
    const limits = { requestTexts: 32, tokenBudget: 16_384 };
    await using embedder = await startHttpEmbedder({
      ...{ model, modelsFolder: "unused", variables: "EMBEDDING", endpoint, traced, ...limits },
    });
    server.requests.length = 0;
    await context.with(active, () => embedAll(embedder, ["отпуск"]));
    const traceparent = `00-${spanContext.traceId}-${spanContext.spanId}-01`;
    expect(server.requests).toMatchObject([{ traceparent: traced ? traceparent : undefined }]);
  }
});
