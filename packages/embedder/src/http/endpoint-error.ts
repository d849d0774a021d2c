import { ReembedError } from "@reembed/core";

/** How messages name a server and the variables that it is set with. */
export interface NamedServer {
  /** Its address, without a query string, which may contain secrets. */
  address: string;
  /** What its variables begin with: `EMBEDDING` or `BASELINE_EMBEDDING`. */
  variables: string;
}

/** Statuses that are caused by settings and not by texts: key, permission, address, model. */
const misconfigured: readonly number[] = [401, 403, 404, 405];

/** A temporary failure: the server is away, busy or restarting. `isTransient` of core recognises it by its cause. */
export class EndpointOutage extends ReembedError {
  /** The wait that the server asked for. */
  readonly retryAfterMs: number;
  readonly neverSent: boolean;

  constructor({ address, variables }: NamedServer, why: string, { retryAfterMs = 0, neverSent = false } = {}) {
    super("embedding_server_away", `The embedding server at ${address} does not answer: ${why}`, {
      cause: new Error(`no answer for a request: ${why}`),
      remedy: `Start the server, or check ${variables}_ENDPOINT.`,
    });
    this.retryAfterMs = retryAfterMs;
    this.neverSent = neverSent;
  }
}

/** Whether no connection came about, so that the server has not seen the request. */
export function neverSent(error: unknown): boolean {
  return error instanceof EndpointOutage && error.neverSent;
}

/** A 200 with an unusable body. A body that is cut off may be complete at the next try; others will be the same. */
export class InvalidAnswer extends ReembedError {
  readonly cutOff: boolean;

  constructor({ address }: NamedServer, why: string, { cutOff }: { cutOff: boolean }) {
    super("embedding_answer_invalid", `The embedding server at ${address} gave an unusable answer: ${why}`);
    this.cutOff = cutOff;
  }
}

/** The error for an answer that is not 2xx. `reason` is the server's own text, without secrets. */
export function refusal(server: NamedServer, { status, headers }: Response, reason: string): ReembedError {
  const answer = `${status}${reason === "" ? "" : `: ${reason}`}`;
  if (status === 408 || status === 429 || status > 500) {
    return new EndpointOutage(server, answer, { retryAfterMs: retryAfterMs(headers.get("retry-after")) });
  }
  // Not treated as an outage: one text may be too much for the model, so the caller searches for that text.
  if (status === 500)
    return new ReembedError("embedding_failed", `The embedding server at ${server.address} answered ${answer}`);
  const message = `The embedding server at ${server.address} refuses a request with ${answer}`;
  if (misconfigured.includes(status)) {
    return new ReembedError("embedding_server_refuses", message, { exitCode: 2, remedy: remedyOf(status, server) });
  }
  return new ReembedError("embedding_request_refused", message, {
    remedy: "If the server limits texts or tokens per request, lower EMBEDDING_REQUEST_TEXTS or TOKEN_BUDGET.",
  });
}

export function isMisconfiguration(error: unknown): error is ReembedError {
  return error instanceof ReembedError && error.code === "embedding_server_refuses";
}

/** Whether the server refused the client's settings or its request, so that a retry cannot help. */
export function isRefusal(error: unknown): error is ReembedError {
  return isMisconfiguration(error) || (error instanceof ReembedError && error.code === "embedding_request_refused");
}

/** Parses a number of seconds or a date (RFC 9110, 10.2.3). */
export function retryAfterMs(header: string | null, now = Date.now()): number {
  if (header === null) return 0;
  const seconds = /^\d+$/.test(header.trim()) ? Number(header) : (Date.parse(header) - now) / 1_000;
  return Number.isFinite(seconds) ? Math.max(0, seconds * 1_000) : 0;
}

function remedyOf(status: number, { variables }: NamedServer): string {
  return status === 401 || status === 403
    ? `Set ${variables}_API_KEY to a key that the server accepts.`
    : `Set ${variables}_ENDPOINT to the address before /embeddings, such as http://tei:8080/v1, of a server that has the model under its id or under the name in ${variables}_ENDPOINT_MODEL.`;
}
