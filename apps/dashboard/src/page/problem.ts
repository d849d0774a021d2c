import { isTransient, isUntakenText, messageOf } from "@reembed/core";
import { clientErrorStatus, sendProblemDocument, titleOf } from "@reembed/http";
import { html } from "@reembed/http/html";
import type { Logger } from "@reembed/runtime";
import type { ErrorRequestHandler, Request, RequestHandler, Response } from "express";
import { sendPage } from "./layout.ts";

/** Thrown to refuse a request: its status, and a sentence for the person who made it. */
export class Problem extends Error {
  readonly status: number;

  constructor(status: number, detail: string) {
    super(detail);
    this.name = "Problem";
    this.status = status;
  }
}

/** Answers with a problem document (RFC 9457) or, for a browser, with a page that says the same. */
export function sendProblem(request: Request, response: Response, { status, message: detail }: Problem): void {
  const title = titleOf(status);
  response.status(status).vary("Accept");
  if (status === 401) response.set("WWW-Authenticate", "Bearer");
  if (request.accepts(["application/problem+json", "application/json", "html"]) === "html") {
    const main = html`<h1>${title}</h1><p>${detail}</p><p><a href="./">Back to the overview</a></p>`;
    sendPage(response, { title, main });
    return;
  }
  sendProblemDocument(response, { status, detail });
}

export const notFound: RequestHandler = (request) => {
  throw new Problem(404, `There is nothing at ${request.path}.`);
};

/** The last handler: tells clients what was wrong with their request, and logs our own errors. */
export function handleErrors(log: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, _next) => {
    const problem = toProblem(error);
    if (problem.status >= 500) log.error({ path: request.path, error: messageOf(error) }, "request failed");
    if (response.headersSent) return void response.destroy();
    sendProblem(request, response, problem);
  };
}

function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  // Express and its body parsers mark errors of the client, with a message that is meant for the client.
  const clientStatus = clientErrorStatus(error);
  if (error instanceof Error && clientStatus !== undefined) return new Problem(clientStatus, error.message);
  if (isUntakenText(error)) return new Problem(400, "The request contains a character that the database cannot store.");
  if (isTransient(error)) return new Problem(503, `A server is away or busy: ${messageOf(error)}`);
  return new Problem(500, "This request failed; the dashboard's log says why.");
}
