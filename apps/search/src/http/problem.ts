import { isTransient, messageOf, ReembedError } from "@reembed/core";
import { clientErrorStatus, sendProblemDocument } from "@reembed/http";
import type { Logger } from "@reembed/runtime";
import { isCancelled } from "@reembed/store/database";
import type { ErrorRequestHandler, RequestHandler, Response } from "express";

/** Thrown to refuse a request: its status, a code for programs and a sentence for people. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, detail: string) {
    super(detail);
    this.name = "Problem";
    this.status = status;
    this.code = code;
  }
}

/** Answers with a problem document (RFC 9457), extended by `code`. */
export function sendProblem(response: Response, { status, code, message: detail }: Problem): void {
  // A temporary failure: the client should try again soon.
  if (status === 503) response.set("Retry-After", "1");
  sendProblemDocument(response, { status, detail, code });
}

export const notFound: RequestHandler = (request) => {
  throw new Problem(404, "not_found", `There is nothing at ${request.path.slice(0, 100)}.`);
};

/** The last handler: tells clients what was wrong with their request, and logs our own errors, without any texts. */
export function handleErrors(log: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, _next) => {
    const problem = toProblem(error);
    const { requestId } = response.locals;
    const details = { path: request.path, code: problem.code, error: messageOf(error), requestId };
    // While a server is away, every request fails: the log gets one line a minute.
    if (problem.status === 503) log.warn(details, "search refused");
    else if (problem.status >= 500) log.error(details, "search failed");
    if (response.headersSent) return void response.destroy();
    sendProblem(response, problem);
  };
}

/** What retrieval refuses: by its code, the status that says so. */
const statuses = new Map([
  ["model_as_is", 503],
  ["model_missing", 503],
  ["query_rejected", 400],
]);

/** The client's view of an error. It says that a server is unavailable, but not which one or where. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const status = error instanceof ReembedError ? statuses.get(error.code) : undefined;
  if (error instanceof ReembedError && status !== undefined) return new Problem(status, error.code, error.message);
  if (isTransient(error) || isCancelled(error)) {
    return new Problem(503, "server_away", "A server that this search needs is away or busy: try again in a moment.");
  }
  const type = error instanceof Error && "type" in error ? error.type : undefined;
  // The messages of these errors quote the body.
  if (type === "entity.too.large") return new Problem(413, "too_large", "The body is larger than 64 kB.");
  if (type === "entity.verify.failed") return new Problem(400, "not_utf8", "The body is not valid UTF-8.");
  if (type === "entity.parse.failed")
    return new Problem(400, "invalid_json", "The body is not valid JSON, or is nested too deeply.");
  const clientStatus = clientErrorStatus(error);
  if (clientStatus !== undefined) {
    return new Problem(clientStatus, "bad_request", "The request cannot be read.");
  }
  const code = error instanceof ReembedError ? error.code : "failed";
  return new Problem(500, code, "This search failed; the log says why.");
}
