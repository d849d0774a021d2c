import { connect } from "node:net";
import fc from "fast-check";

/** A port, and the headers that every request to it has. */
export interface Port {
  port: number;
  /** Header lines that grant a role. */
  headers: string[];
}

/** A client that sends these bytes and either reads the answer or breaks the connection. */
interface HostileRequest {
  bytes: Uint8Array;
  torn: boolean;
}

const paths = [
  ...["/", "//", "/./", "/.//evil.example", "/%", "/%00", "/%ff", "/%2e%2e/%2e%2e/etc/passwd", "*", "/?%", "/?=&=;"],
  ...["http://[", "http://a/b", "https://", "here:80", "?", "", "/\\", "/healthz", "/readyz", "/metrics", "/events"],
  ...["/v1/search", "/v1/feedback", "/v1/rollout", "/login", "/login?next=//evil.example", "/logout", "/assets/%"],
  ...[
    "/steer/backfill/mini-m3/pause",
    "/steer/backfill/%00/pause",
    "/steer/rollout/10",
    "/steer/bounds/BATCH_SIZE",
    "/quarantine/mini-m3",
    "/quarantine/mini-m3/retry",
  ],
  ...["/quarantine/mini-m3?reason=%00", "/quarantine/mini-m3?after=1e99", "/quarantine/__proto__?reason=a&reason=b"],
  ...["/board", "/board/api/queues", "/board/api/queues?page=-1&jobsPerPage=1e9", "/board/api/queues/embed-mini-m3/1"],
  ...["/board/api/queues/embed-mini-m3/add", "/board/api/queues/embed-mini-m3/%00", "/board/queue/%E0%A4%A"],
];
const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PURGE", "get", "X"];
const headers = [
  ...["Content-Length: -1", "Content-Length: 5", "Content-Length: 5\r\nContent-Length: 6", "Transfer-Encoding: x"],
  ...["Transfer-Encoding: chunked", "Host: ", "Host: a\r\nHost: b", "Expect: 100-continue", "Expect: a miracle"],
  ...[
    "Upgrade: websocket\r\nConnection: Upgrade",
    "Cookie: reembed_session=%",
    "Cookie: =;;=\u0001",
    "Accept: */*;q=x",
  ],
  ...["Accept: text/html", "Range: bytes=5-1,a", 'If-None-Match: "', "Content-Encoding: gzip", "Content-Encoding: x"],
  ...["Content-Type: application/json", "Content-Type: application/json; charset=utf-16", "Content-Type: ;;;"],
  ...["Content-Type: application/x-www-form-urlencoded", "Authorization: Bearer", "X-Forwarded-For: ,,::1,%"],
  ...["Sec-Fetch-Site: same-origin", "Origin: null", `X: ${"y".repeat(20_000)}`, `Z: a${"\r\nZ: a".repeat(2_500)}`],
];

/** Texts on which a parser, a tokenizer or PostgreSQL may fail, in the form of JSON. */
const oddText = fc.oneof(
  fc.constantFrom("\0", "\ud800", "\udfff x", "%00", "__proto__", "constructor", "1e999", "'; --", "\u202e", "🦀", ""),
  fc.string({ unit: "binary" }),
);
const oddJson = fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.stringify(value));
const filter = fc.oneof(
  fc.record({ language: oddText, metadata: fc.dictionary(oddText, oddText) }, { requiredKeys: [] }),
  fc.constantFrom({ metadata: [] }, null, 7),
);
const search = fc
  .record(
    { query: oddText, subject: oddText, profile: oddText, limit: fc.integer(), threshold: fc.double(), filter },
    { requiredKeys: ["query"] },
  )
  .map((request) => JSON.stringify(request));
const withPrototype = fc.constantFrom(
  '{"query":"x","filter":{"metadata":{"__proto__":{"owner":1}}}}',
  '{"query":"x","filter":{"__proto__":{"language":"de"}}}',
  '{"query":"x","__proto__":{"limit":1}}',
  '{"query":"x","filter":{"metadata":{"a":1e999}}}',
  '{"query":"\\ud800","subject":"\\ud800","filter":{"metadata":{"\\ud800":"\\udc00\\ud800"}}}',
  `{"query":"x","filter":{"metadata":${"[".repeat(30_000)}`,
);
const form = fc.dictionary(oddText, oddText).map((fields) => {
  const parameters = new URLSearchParams({ next: "/.//evil.example" });
  for (const [name, value] of Object.entries(fields)) parameters.append(name.toWellFormed(), value.toWellFormed());
  return parameters.toString();
});
const body = fc.oneof(
  fc.oneof(search, withPrototype, oddJson, form).map((text) => Buffer.from(text)),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
);

/** Half of the requests are valid HTTP with a hostile content, so that they reach a handler. */
export function hostileRequest(port: Port): fc.Arbitrary<HostileRequest> {
  const path = fc.oneof(fc.constantFrom(...paths), fc.webPath(), fc.webUrl());
  const polite = fc
    .record({ method: fc.constantFrom("GET", "POST", "PUT", "DELETE"), path, body, json: fc.boolean() })
    .map(({ method, path, body, json }) => {
      const type = json ? "application/json" : "application/x-www-form-urlencoded";
      const lines = [`Host: 127.0.0.1:${port.port}`, `Content-Type: ${type}`, `Content-Length: ${body.length}`];
      return encode(`${method} ${path} HTTP/1.1`, [...lines, ...port.headers], body);
    });
  const rude = fc
    .record({ method: fc.constantFrom(...methods), path, body, odd: fc.array(fc.constantFrom(...headers)) })
    .map(({ method, path, body, odd }) =>
      encode(`${method} ${path} HTTP/1.1`, [`Host: 127.0.0.1:${port.port}`, ...port.headers, ...odd], body),
    );
  const bytes = fc.oneof({ weight: 5, arbitrary: polite }, { weight: 4, arbitrary: rude }, fc.uint8Array());
  return fc
    .record({ bytes, torn: fc.boolean(), share: fc.double({ min: 0, max: 1, noNaN: true }) })
    .map(({ bytes, torn, share }) => ({
      torn,
      bytes: torn ? bytes.subarray(0, Math.ceil(bytes.length * share)) : bytes,
    }));
}

function encode(line: string, lines: readonly string[], body: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`${[line, ...lines, "Connection: close"].join("\r\n")}\r\n\r\n`), body]);
}

/** How long to read from a stream of events, or from a server that waits for the rest of a body. */
const listenMs = 300;

/** Sends a request and returns the statuses of all answers; none if the connection was broken. */
export async function sendBytes(port: number, { bytes, torn }: HostileRequest): Promise<number[]> {
  const socket = connect(port, "127.0.0.1");
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let answered = "";
  socket.setTimeout(listenMs, resolve);
  socket.on("error", (error: NodeJS.ErrnoException) => {
    // A server that refuses a request may close before it has read everything; one that has ended refuses the connection.
    if (error.code === "ECONNREFUSED") reject(error);
    else resolve();
  });
  socket.on("close", resolve);
  socket.on("data", (data) => {
    answered += data.toString("latin1");
  });
  socket.write(bytes, () => torn && resolve());
  try {
    await promise;
  } finally {
    if (torn) socket.resetAndDestroy();
    else socket.destroy();
  }
  return [...answered.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(([, status]) => Number(status));
}
