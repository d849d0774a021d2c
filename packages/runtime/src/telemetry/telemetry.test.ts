import { spawnSync } from "node:child_process";
import { trace } from "@opentelemetry/api";
import { ReembedError } from "@reembed/core";
import { waitFor } from "@reembed/testing";
import { OtlpReceiver } from "@reembed/testing/telemetry";
import { afterEach, expect, test, vi } from "vitest";
import { createLogger } from "../logger.ts";
import { startTelemetry, type TelemetryOptions } from "./telemetry.ts";
import { tellTrace, traced } from "./traced.ts";

const traces = { protocol: "http/json", delayMs: 60_000, sampler: "parentbased_always_on", ratio: 1 } as const;
const onlyTraces: TelemetryOptions = { traces, metrics: undefined };
afterEach(() => void vi.unstubAllEnvs());

async function start(endpoint: string, options = onlyTraces) {
  const warnings: unknown[] = [];
  const log = Object.assign(createLogger("silent"), { warn: (...told: unknown[]) => void warnings.push(told) });
  vi.stubEnv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
  const telemetry = await startTelemetry(options, { service: "reembed-test", log });
  return { warnings, [Symbol.asyncDispose]: () => telemetry[Symbol.asyncDispose]() };
}

test("pieces of work are spans within each other, with their facts, and are sent at the end at the latest", async () => {
  await using collector = await OtlpReceiver.start();
  vi.stubEnv("OTEL_RESOURCE_ATTRIBUTES", "service.namespace=retrieval");
  {
    await using _ = await start(collector.endpoint);
    await traced("outer", { profile: "a", nothing: undefined }, async ({ tell }) => {
      await traced("inner", {}, async () => tellTrace({ chunks: 3 }));
      tell({ stale: 1 });
    });
  }
  const [inner, outer] = collector.spans;
  expect(outer).toMatchObject({ name: "outer", service: "reembed-test", parentSpanId: "" });
  expect(outer?.attributes).toEqual({ "reembed.profile": "a", "reembed.stale": 1 });
  expect(inner).toMatchObject({ name: "inner", traceId: outer?.traceId, parentSpanId: outer?.spanId });
  expect(inner?.attributes).toEqual({ "reembed.chunks": 3 });
  expect(collector.bodies[0]).toContain("retrieval");
  expect(collector.bodies[0]).not.toContain("process.command");
});

test("an error is told by its code or its name, without its message", async () => {
  await using collector = await OtlpReceiver.start();
  {
    await using _ = await start(collector.endpoint);
    for (const error of [new ReembedError("query_rejected", "of a secret"), new TypeError("of a secret")]) {
      await expect(traced("fails", {}, () => Promise.reject(error))).rejects.toBe(error);
    }
  }
  expect(collector.spans.map(({ attributes }) => attributes["error.type"])).toEqual(["query_rejected", "TypeError"]);
  expect(collector.bodies.join()).not.toContain("secret");
});

test("protobuf is sent unless JSON is asked for, and what is not sampled is not sent", async () => {
  await using collector = await OtlpReceiver.start();
  {
    await using _ = await start(collector.endpoint, {
      ...onlyTraces,
      traces: { ...traces, protocol: "http/protobuf" },
    });
    await traced("a piece", {}, async () => {});
  }
  expect(collector.contentTypes).toEqual(["application/x-protobuf"]);
  {
    await using _ = await start(collector.endpoint, {
      ...onlyTraces,
      traces: { ...traces, sampler: "traceidratio", ratio: 0 },
    });
    await traced("a piece", {}, async ({ isRecorded }) => expect(isRecorded).toBe(false));
  }
  expect(collector.requests).toBe(1);
});

test("a collector that hangs or is away delays the end no longer than the bound, and costs a warning", async () => {
  await using hanging = await OtlpReceiver.start({ hangs: true });
  const away = await OtlpReceiver.start();
  await away[Symbol.asyncDispose]();
  for (const endpoint of [hanging.endpoint, "http://127.0.0.1:9"]) {
    const telemetry = await start(endpoint, { ...onlyTraces, traces: { ...traces, delayMs: 1 } });
    await traced("a piece", {}, async () => {});
    if (endpoint === hanging.endpoint) await waitFor("a request", () => hanging.requests > 0);
    await telemetry[Symbol.asyncDispose]();
    expect(telemetry.warnings).toContainEqual([
      { error: "The collector does not answer." },
      "the last telemetry was not sent",
    ]);
  }
  expect(trace.getActiveSpan()).toBeUndefined();
});

test("nothing of the SDK is loaded before telemetry is switched on", () => {
  const script = `
    import { registerHooks } from "node:module";
    const loaded = new Set();
    const load = (url, context, next) => {
      const name = /node_modules\\/(@opentelemetry\\/[^/]+)/.exec(url)?.[1];
      if (name) loaded.add(name);
      return next(url, context);
    };
    registerHooks({ load });
    const { startTelemetry, traced } = await import("@reembed/runtime");
    await import("@reembed/queue");
    for (const options of [undefined, ${JSON.stringify(onlyTraces)}]) {
      await startTelemetry(options, { service: "reembed-test", log: console });
      await traced("a piece", {}, async () => {});
      console.log([...loaded].join());
    }
    process.exit();`;
  const parameters = ["--input-type=module", "--eval", script];
  const { stdout, stderr } = spawnSync(process.execPath, parameters, { cwd: import.meta.dirname, encoding: "utf8" });
  expect(stderr).toBe("");
  const [before, after] = stdout.split("\n");
  expect(before).toBe("@opentelemetry/api");
  expect(after).toContain("@opentelemetry/sdk-trace");
});
