import { randomUUID } from "node:crypto";
import { context, DiagLogLevel, diag, metrics, propagation, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { setGlobalErrorHandler, W3CTraceContextPropagator } from "@opentelemetry/core";
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import { MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { endsWithin, messageOf } from "@reembed/core";
import type { Logger } from "../logger.ts";
import { version } from "../version.ts";

type Protocol = "http/protobuf" | "http/json";
type BareSampler = "always_on" | "always_off" | "traceidratio";

/** What is sent by OTLP, and how. Undefined is not sent. */
export interface TelemetryOptions {
  traces: TraceOptions | undefined;
  metrics: { protocol: Protocol; intervalMs: number } | undefined;
}

interface TraceOptions {
  protocol: Protocol;
  /** How often they are sent. */
  delayMs: number;
  /** Those of OTEL_TRACES_SAMPLER; `ratio` is its argument. */
  sampler: BareSampler | `parentbased_${BareSampler}`;
  ratio: number;
}

/** How long the end waits for a collector that hangs or is away. */
const lastExportMs = 1_000;

/**
 * Sets OpenTelemetry up for this process. Only `traceparent` and `tracestate` are read and passed on, and no baggage, which may
 * hold what an application knows of its users. The resource has no arguments of the process, which may be secrets.
 */
export async function startSdk(
  options: TelemetryOptions,
  { service, log }: { service: string; log: Logger },
): Promise<AsyncDisposable> {
  reportFailures(log);
  const own = { "service.name": service, "service.version": version, "service.instance.id": randomUUID() };
  const resource = defaultResource()
    .merge(resourceFromAttributes(own))
    .merge(detectResources({ detectors: [envDetector] }));

  const tracers = options.traces && new TracerProvider({ resource, ...(await tracing(options.traces)) });
  if (tracers !== undefined) trace.setGlobalTracerProvider(tracers);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  const meters = new MeterProvider({ resource, readers: await reading(options.metrics) });
  metrics.setGlobalMeterProvider(meters);

  return {
    async [Symbol.asyncDispose]() {
      const sent = Promise.allSettled([tracers?.shutdown(), meters.shutdown()]);
      if (!(await endsWithin(lastExportMs, sent))) {
        log.warn({ error: "The collector does not answer." }, "the last telemetry was not sent");
      }
      for (const api of [trace, metrics, context, propagation, diag]) api.disable();
    },
  };
}

async function tracing(traces: TraceOptions) {
  const { OTLPTraceExporter } =
    traces.protocol === "http/json"
      ? await import("@opentelemetry/exporter-trace-otlp-http")
      : await import("@opentelemetry/exporter-trace-otlp-proto");
  const exporter = new OTLPTraceExporter();
  const processor = new BatchSpanProcessor({ exporter, scheduledDelayMillis: traces.delayMs });
  return { sampler: samplerOf(traces), spanProcessors: [processor] };
}

async function reading(wanted: TelemetryOptions["metrics"]) {
  if (wanted === undefined) return [];
  const { OTLPMetricExporter } =
    wanted.protocol === "http/json"
      ? await import("@opentelemetry/exporter-metrics-otlp-http")
      : await import("@opentelemetry/exporter-metrics-otlp-proto");
  const exporter = new OTLPMetricExporter();
  return [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: wanted.intervalMs })];
}

function samplerOf({ sampler, ratio }: TraceOptions): Sampler {
  const root = rootSampler(sampler.replace("parentbased_", "") as BareSampler, ratio);
  return sampler.startsWith("parentbased_") ? new ParentBasedSampler({ root }) : root;
}

function rootSampler(sampler: BareSampler, ratio: number): Sampler {
  if (sampler === "always_on") return new AlwaysOnSampler();
  if (sampler === "always_off") return new AlwaysOffSampler();
  return new TraceIdRatioBasedSampler(ratio);
}

/** Logs failures as warnings about an error, which the logger repeats once a minute only. */
function reportFailures(log: Logger): void {
  const warn = (error: unknown) => log.warn({ error: messageOf(error) }, "telemetry was not sent");
  setGlobalErrorHandler(warn);
  const quiet = () => {};
  const logger = { error: warn, warn, info: quiet, debug: quiet, verbose: quiet };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
}
