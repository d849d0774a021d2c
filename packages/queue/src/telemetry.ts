import { metrics, ProxyTracerProvider, ROOT_CONTEXT, trace } from "@opentelemetry/api";
import type { Span, Telemetry } from "bullmq";
import { BullMQOtel } from "bullmq-otel";

/** What becomes a span. BullMQ also traces every poll, every renewal of locks and every search for stalled jobs. */
const told = new Set(["add", "addBulk", "process", "delay", "retry", "fail"]);

/**
 * BullMQ's telemetry for queues of batches, if this process has an OpenTelemetry SDK: a job takes the trace in which it was
 * enqueued along in its options, also when it is retried or taken over. Empty without an SDK, because BullMQ would then write
 * an empty trace to each job. Not for a queue with a schedule: each job would continue the trace of the one before.
 */
export function queueTelemetry(): { telemetry?: Telemetry } {
  const [traces, meters] = [sendsTraces(), sendsMetrics()];
  if (!traces && !meters) return {};
  const { tracer, contextManager, meter } = new BullMQOtel({ tracerName: "bullmq", enableMetrics: true });
  const telemetry: Telemetry = {
    tracer: {
      startSpan: (name, ...rest) => {
        const [operation = ""] = name.split(" ");
        return traces && told.has(operation) ? withoutTexts(tracer.startSpan(name, ...rest)) : untold;
      },
    },
    contextManager: {
      with: (parent, work) => contextManager.with(parent, work),
      active: () => contextManager.active(),
      root: () => ROOT_CONTEXT,
      getMetadata: (parent) => contextManager.getMetadata(parent),
      fromMetadata: (active, metadata) => contextManager.fromMetadata(active, metadata),
    },
    ...(meter === undefined ? {} : { meter }),
  };
  return { telemetry };
}

function sendsTraces(): boolean {
  const provider = trace.getTracerProvider();
  return !(provider instanceof ProxyTracerProvider) || provider.getDelegateTracer("bullmq") !== undefined;
}

/** Without an SDK there is a provider of the API's own, which it does not export. */
function sendsMetrics(): boolean {
  return metrics.getMeterProvider().constructor.name !== "NoopMeterProvider";
}

/** Of events and errors their names alone: the reason of a failure may be a server's own words. */
function withoutTexts(span: Span): Span {
  return {
    setSpanOnContext: (parent) => span.setSpanOnContext(parent),
    setAttribute: (key, value) => span.setAttribute(key, value),
    setAttributes: (attributes) => span.setAttributes(attributes),
    addEvent: (name) => span.addEvent(name),
    recordException: (error) => span.addEvent("exception", { "exception.type": nameOf(error) }),
    end: () => span.end(),
  };
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : "Error";
}

const untold: Span = {
  setSpanOnContext: (parent) => parent,
  setAttribute: () => {},
  setAttributes: () => {},
  addEvent: () => {},
  recordException: () => {},
  end: () => {},
};
