import { type ServerResponse, STATUS_CODES } from "node:http";

export interface ProblemDocument {
  status: number;
  /** A sentence for whoever made the request. */
  detail?: string;
  /** Ours, for programs. */
  code?: string;
}

/** The title of a status, as RFC 9110 has it. */
export function titleOf(status: number): string {
  return STATUS_CODES[status] ?? "Error";
}

/** Answers with a problem document (RFC 9457); ends what was begun already. */
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
 * The status by which Express and its body parsers mark what a client is to blame for; undefined of any other error.
 */
export function clientErrorStatus(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("status" in error) || typeof error.status !== "number") return undefined;
  return error.status < 500 ? error.status : undefined;
}
