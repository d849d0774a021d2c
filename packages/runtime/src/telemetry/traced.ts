import { type Attributes, type AttributeValue, type Span, SpanStatusCode, trace } from "@opentelemetry/api";
import { ReembedError } from "@reembed/core";

/** What may be said of a piece of work: figures and names. Never a text, a query, a key or the message of an error. */
export type Facts = Record<string, AttributeValue | undefined>;

/** A piece of work that is being traced. */
export interface TracedWork {
  /** Whether anybody will see it; if not, nothing need be read for it. */
  readonly isRecorded: boolean;
  tell(facts: Facts): void;
}

/**
 * Does a piece of work as a span of its own, below the one that is active, with facts as attributes `reembed.<name>`. Without
 * an OpenTelemetry SDK in the process it only does the work.
 */
export async function traced<T>(name: string, facts: Facts, work: (traced: TracedWork) => Promise<T>): Promise<T> {
  // Asked for each time: a tracer stays with the SDK that it first found.
  const tracer = trace.getTracer("reembed");
  return await tracer.startActiveSpan(name, { attributes: toAttributes(facts) }, async (span) => {
    try {
      return await work({
        isRecorded: span.isRecording(),
        tell: (more) => void span.setAttributes(toAttributes(more)),
      });
    } catch (error) {
      markFailed(span, error);
      throw error;
    } finally {
      span.end();
    }
  });
}

/** Tells facts about the piece of work that is being done. */
export function tellTrace(facts: Facts): void {
  trace.getActiveSpan()?.setAttributes(toAttributes(facts));
}

/** The error's code, or else its name: a message may quote what must not leave the process. */
export function markFailed(span: Span, error: unknown): void {
  const type = error instanceof ReembedError ? error.code : error instanceof Error ? error.name : "unknown";
  span.setAttribute("error.type", type);
  span.setStatus({ code: SpanStatusCode.ERROR, message: type });
}

function toAttributes(facts: Facts): Attributes {
  return Object.fromEntries(Object.entries(facts).map(([name, value]) => [`reembed.${name}`, value]));
}
