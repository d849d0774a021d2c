import { context, propagation, ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import type { RequestHandler } from "express";

/**
 * Makes a search a span, in the trace of a `traceparent` that came with it. The answer names both in `traceresponse`, the
 * header that W3C's drafts of Trace Context have for that. It comes after the guards and after the body was read: nobody
 * without the key is traced, and the body's events would lose the span. Without an OpenTelemetry SDK it does nothing.
 */
export function traceRequest(route: string): RequestHandler {
  return (request, response, next) => {
    const caller = propagation.extract(ROOT_CONTEXT, request.headers);
    const attributes = { "http.request.method": request.method, "http.route": route };
    const options = { kind: SpanKind.SERVER, attributes };
    const span = trace.getTracer("reembed").startSpan(`${request.method} ${route}`, options, caller);
    const { traceId, spanId, traceFlags } = span.spanContext();
    if (trace.isSpanContextValid(span.spanContext())) {
      response.set("traceresponse", `00-${traceId}-${spanId}-0${traceFlags}`);
    }
    response.once("close", () => end(span, response.statusCode));
    context.with(trace.setSpan(caller, span), next);
  };
}

/** A refusal is the client's error, and the search is none of it. */
function end(span: Span, status: number): void {
  span.setAttribute("http.response.status_code", status);
  if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}
