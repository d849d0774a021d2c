import { ReembedError } from "@reembed/core";
import { createLogger, createMetrics } from "@reembed/runtime";
import { version } from "@reembed/runtime/version";
import { expect, onTestFinished, test } from "vitest";
import { type OperationsOptions, startOperations } from "./operations.ts";

const log = createLogger("silent");

async function start(checks: OperationsOptions["checks"] = {}) {
  const metrics = createMetrics();
  const operations = await startOperations({ port: 0, metrics, checks, log });
  onTestFinished(() => operations[Symbol.asyncDispose]());
  return { metrics, get: (path: string) => fetch(`http://127.0.0.1:${operations.port}${path}`), operations };
}

test("/healthz answers with the version while the event loop runs", async () => {
  const { get } = await start();
  const healthy = await get("/healthz");
  expect(healthy.status).toBe(200);
  expect(await healthy.text()).toBe(`ok, Reembed ${version}\n`);
});

test("/readyz names every check, and is ready only if all pass", async () => {
  let database = "down";
  const { get } = await start({
    model: async () => {},
    database: async () => {
      if (database === "down") throw new Error("connection refused");
    },
  });
  const refused = await get("/readyz");
  expect(refused.status).toBe(503);
  expect(await refused.json()).toEqual({ ready: false, checks: { model: "ok", database: "connection refused" } });
  database = "up";
  expect((await get("/readyz")).status).toBe(200);
});

test("/metrics has the format that Prometheus reads", async () => {
  const { metrics, get } = await start();
  metrics.chunks.inc({ profile: "bge-m3", outcome: "embedded" }, 64);
  const text = await (await get("/metrics")).text();
  expect(text).toContain('reembed_chunks_total{profile="bge-m3",outcome="embedded"} 64');
  expect(text).toContain("process_cpu_seconds_total");
});

test("other paths are not found, and a port that is in use is reported as an error", async () => {
  const { get, operations } = await start();
  expect((await get("/board")).status).toBe(404);
  const second = startOperations({ port: operations.port, metrics: createMetrics(), checks: {}, log });
  await expect(second).rejects.toThrow(ReembedError);
  await expect(second).rejects.toThrow(`Port ${operations.port}`);
});
