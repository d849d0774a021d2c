import { expect, test } from "vitest";
import { loadConfig } from "./config.ts";

const telemetryOf = (variables: NodeJS.ProcessEnv) => loadConfig(variables).telemetry.wanted;
const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318" };
const traces = { protocol: "http/protobuf", delayMs: 5_000, sampler: "parentbased_always_on", ratio: 1 };
const metrics = { protocol: "http/protobuf", intervalMs: 60_000 };

test("nothing of OpenTelemetry is on without an address or a named exporter, or if it is disabled", () => {
  expect(telemetryOf({})).toBeUndefined();
  expect(telemetryOf({ OTEL_SERVICE_NAME: "search", OTEL_TRACES_SAMPLER: "always_on" })).toBeUndefined();
  expect(telemetryOf({ ...endpoint, OTEL_SDK_DISABLED: "TRUE" })).toBeUndefined();
  expect(telemetryOf({ ...endpoint, OTEL_TRACES_EXPORTER: "none", OTEL_METRICS_EXPORTER: "none" })).toBeUndefined();
});

test("an address switches traces and metrics on, that of a signal only the signal", () => {
  expect(telemetryOf(endpoint)).toEqual({ traces, metrics });
  expect(telemetryOf({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://jaeger:4318/v1/traces" })).toEqual({ traces });
  expect(telemetryOf({ ...endpoint, OTEL_TRACES_EXPORTER: "none" })).toEqual({ metrics });
  expect(telemetryOf({ OTEL_TRACES_EXPORTER: "otlp" })).toEqual({ traces });
});

test("samplers, protocols and intervals are those of the standard variables", () => {
  const variables = {
    OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
    OTEL_TRACES_SAMPLER_ARG: "0.1",
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: "http/protobuf",
    OTEL_BSP_SCHEDULE_DELAY: "1000",
    OTEL_METRIC_EXPORT_INTERVAL: "15000",
  };
  expect(telemetryOf({ ...endpoint, ...variables })).toEqual({
    traces: { protocol: "http/json", delayMs: 1_000, sampler: "parentbased_traceidratio", ratio: 0.1 },
    metrics: { protocol: "http/protobuf", intervalMs: 15_000 },
  });
});

test("what cannot be done is named, and keeps nothing from starting", () => {
  const bad = { OTEL_EXPORTER_OTLP_PROTOCOL: "grpc", OTEL_TRACES_EXPORTER: "zipkin", OTEL_TRACES_SAMPLER_ARG: "10" };
  expect(loadConfig({ ...bad, ...endpoint }).telemetry).toEqual({
    wanted: undefined,
    problems: [
      "OTEL_TRACES_EXPORTER must be one of otlp, none, not zipkin",
      "OTEL_EXPORTER_OTLP_PROTOCOL must be one of http/protobuf, http/json, not grpc",
      "OTEL_TRACES_SAMPLER_ARG must be a share from 0 to 1, not 10",
    ],
  });
  expect(loadConfig(bad).telemetry).toEqual({ wanted: undefined, problems: [] });
  expect(loadConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: "key@collector" }).telemetry.problems).toEqual([
    "OTEL_EXPORTER_OTLP_ENDPOINT must be an address like http://collector:4318",
  ]);
});
