import { type ServerResponse, STATUS_CODES } from "node:http";

export interface ProblemDocument {
  status: number;
  /** A sentence for the person who made the request. */
  detail?: string;
  /** Reembed's error code, for programs. */
  code?: string;
}

/** The title of a status in RFC 9110. */
export function titleOf(status: number): string {
  return STATUS_CODES[status] ?? "Error";
}

/** Answers with a problem document (RFC 9457). Breaks the connection if an answer has begun. */
export function sendProblemDocument(
  response: ServerResponse,
  { status, detail = "The log says why.", code }: ProblemDocument,
): void {
  if (response.headersSent) return void response.destroy();
  response.statusCode = status;
  response.setHeader("content-type", "application/problem+json; charset=utf-8");
  response.end(JSON.stringify({ type: "about:blank", title: titleOf(status), status, detail, code }));
}

/**
 * The status that Express and its body parsers give to a client's error; undefined for any other error.
 */
export function clientErrorStatus(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("status" in error) || typeof error.status !== "number") return undefined;
  return error.status < 500 ? error.status : undefined;
}
