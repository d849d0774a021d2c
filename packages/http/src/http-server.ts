import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { sendProblemDocument } from "./problem-document.ts";

/** Answers one request. An error or a rejection goes to `onError` and is answered with a 500. */
type AnswerRequest = (request: IncomingMessage, response: ServerResponse) => unknown;

/**
 * An HTTP server that survives every request: Node ends a process after an exception in a request's callback, and after
 * an `error` event without a listener. The handler sees a request target only as a path: `*`, an authority, invalid
 * percent-encoding and U+0000 are answered with 400, and of an absolute address the path is taken, as RFC 9112 requires.
 * Node itself answers what is not HTTP with 400, 408 or 431.
 */
export function createHttpServer(answer: AnswerRequest, onError: (error: unknown) => void): Server {
  const server = createServer((request, response) => {
    // A connection that breaks while it is read or written concerns only its client.
    request.on("error", () => {});
    response.on("error", () => {});
    const target = readTarget(request.url ?? "");
    if (target === undefined) return refuse(response, 400, "The address of this request cannot be read.");
    request.url = target;
    Promise.try(answer, request, response).catch((error: unknown) => {
      onError(error);
      refuse(response, 500);
    });
  });
  // Also needed after the start, for example when no file descriptor is left for a connection.
  return server.on("error", onError);
}

/** Answers instead of the app, and closes the connection, because its state is unknown. */
function refuse(response: ServerResponse, status: number, detail?: string): void {
  if (!response.headersSent) response.setHeader("connection", "close");
  sendProblemDocument(response, { status, ...(detail === undefined ? {} : { detail }) });
}

/** The path and query of a request target; undefined if it has none or they cannot be read. */
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
