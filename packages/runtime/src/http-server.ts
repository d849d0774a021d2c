import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from "node:http";

/** Answers one request. What it throws, or rejects with, is told to `onError` and answered with a 500. */
type AnswerRequest = (request: IncomingMessage, response: ServerResponse) => unknown;

/**
 * An HTTP server whose process outlives whatever arrives: Node ends a process for an exception in a request's callback
 * and for an `error` event without a listener. The handler sees a request target only as a path: `*`, an authority, bad
 * percent-encoding and U+0000 are answered with 400, and of an absolute address the path is taken, as RFC 9112 asks.
 * What is no HTTP at all Node itself answers with 400, 408 or 431.
 */
export function createHttpServer(answer: AnswerRequest, onError: (error: unknown) => void): Server {
  const server = createServer((request, response) => {
    // A connection that breaks while it is read or written is the client's business.
    request.on("error", () => {});
    response.on("error", () => {});
    const target = readTarget(request.url ?? "");
    if (target === undefined) return sendStatus(response, 400, "The address of this request cannot be read.");
    request.url = target;
    Promise.try(answer, request, response).catch((error: unknown) => {
      onError(error);
      sendStatus(response, 500);
    });
  });
  // After the start too, as when there is no file descriptor left for a connection.
  return server.on("error", onError);
}

/** Answers with a problem document (RFC 9457); ends what was begun already. */
export function sendStatus(response: ServerResponse, status: number, detail = "The log says why."): void {
  if (response.headersSent) return void response.destroy();
  const title = STATUS_CODES[status] ?? "Error";
  response.writeHead(status, { "content-type": "application/problem+json", connection: "close" });
  response.end(JSON.stringify({ type: "about:blank", title, status, detail }));
}

/** The path and query of a request target; undefined where it has none that can be read. */
function readTarget(target: string): string | undefined {
  const absolute = /^https?:/i.test(target) ? URL.parse(target) : undefined;
  const path = absolute ? `${absolute.pathname}${absolute.search}` : target;
  if (!path.startsWith("/") || /%00/.test(path)) return undefined;
  try {
    decodeURIComponent(path.split("?", 1)[0] ?? "");
    return path;
  } catch {
    return undefined;
  }
}
