import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

export interface ReceivedSpan {
  name: string;
  service: string;
  traceId: string;
  spanId: string;
  /** Empty for the first span of a trace. */
  parentSpanId: string;
  attributes: Record<string, unknown>;
}

type Value = { stringValue?: string; intValue?: number | string; doubleValue?: number; boolValue?: boolean };
type Attributes = { key: string; value: Value }[];
interface Sent {
  resourceSpans?: {
    resource: { attributes: Attributes };
    scopeSpans: { spans: (Omit<ReceivedSpan, "attributes" | "service"> & { attributes: Attributes })[] }[];
  }[];
  resourceMetrics?: { scopeMetrics: { metrics: { name: string }[] }[] }[];
}

/** A collector of OTLP over HTTP, at any path. It understands JSON, and only counts what comes as protobuf. */
export class OtlpReceiver implements AsyncDisposable {
  readonly spans: ReceivedSpan[] = [];
  readonly metrics = new Set<string>();
  /** Whole requests, as they came. */
  readonly bodies: string[] = [];
  readonly contentTypes: (string | undefined)[] = [];
  /** How often something was sent. */
  requests = 0;
  readonly #hangs: boolean;
  readonly #server = createServer((request, response) => void this.#receive(request, response));

  private constructor(hangs: boolean) {
    this.#hangs = hangs;
  }

  /** @param hangs Whether it accepts requests and never answers. */
  static async start({ hangs = false } = {}): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver(hangs);
    receiver.#server.listen(0, "127.0.0.1");
    await once(receiver.#server, "listening");
    return receiver;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The spans of a trace with this name. */
  named(name: string, traceId: string): ReceivedSpan[] {
    return this.spans.filter((span) => span.name === name && span.traceId === traceId);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests++;
    const { "content-type": contentType } = request.headers;
    this.contentTypes.push(contentType);
    const body = await text(request).catch(() => "");
    if (this.#hangs) return;
    if (contentType !== "application/json") return void response.end();
    this.bodies.push(body);
    const { resourceSpans = [], resourceMetrics = [] }: Sent = JSON.parse(body);
    for (const { resource, scopeSpans } of resourceSpans) {
      const service = `${toRecord(resource.attributes)["service.name"]}`;
      for (const { attributes, parentSpanId = "", ...span } of scopeSpans.flatMap(({ spans }) => spans)) {
        this.spans.push({ ...span, parentSpanId, service, attributes: toRecord(attributes) });
      }
    }
    for (const { metrics } of resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics)) {
      for (const { name } of metrics) this.metrics.add(name);
    }
    response.setHeader("content-type", "application/json").end("{}");
  }
}

function toRecord(attributes: Attributes): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, toValue(value)]));
}

/** 64-bit numbers may be written as texts. */
function toValue({ intValue, ...value }: Value): unknown {
  if (intValue !== undefined) return Number(intValue);
  const [known] = Object.values(value);
  return known;
}
