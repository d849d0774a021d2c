import { ReembedError } from "@reembed/core";

/** What the server refuses for its settings and not for its texts: key, permission, address, model. */
const misconfigured: readonly number[] = [401, 403, 404, 405];

/** A failure that may pass: the server is away, busy or restarting. `isTransient` of core knows it by its cause. */
export class EndpointOutage extends ReembedError {
  /** What the server asked to be left alone for. */
  readonly retryAfterMs: number;

  constructor(endpoint: string, why: string, retryAfterMs = 0) {
    super("embedding_server_away", `The embedding server at ${endpoint} gives no answer: ${why}`, {
      cause: new Error(`no answer for a request: ${why}`),
      remedy: "Start the server, or check EMBEDDING_ENDPOINT.",
    });
    this.retryAfterMs = retryAfterMs;
  }
}

/** An answer of 200 that is none. One that ends in the middle may be whole the next time, others are as they are. */
export class InvalidAnswer extends ReembedError {
  readonly cutOff: boolean;

  constructor(endpoint: string, why: string, { cutOff }: { cutOff: boolean }) {
    super("embedding_answer_invalid", `The embedding server at ${endpoint} gave an unusable answer: ${why}`);
    this.cutOff = cutOff;
  }
}

/** The error of an answer that is not 2xx. `reason` is the server's own, without secrets. */
export function refusal(endpoint: string, { status, headers }: Response, reason: string): ReembedError {
  const answer = `${status}${reason === "" ? "" : `: ${reason}`}`;
  if (status === 408 || status === 429 || status > 500) {
    return new EndpointOutage(endpoint, answer, retryAfterMs(headers.get("retry-after")));
  }
  // A text may be too much for the model and not for the server: this one is not waited for, but looked for.
  if (status === 500)
    return new ReembedError("embedding_failed", `The embedding server at ${endpoint} answered ${answer}`);
  const message = `The embedding server at ${endpoint} refuses a request with ${answer}`;
  if (misconfigured.includes(status)) {
    return new ReembedError("embedding_server_refuses", message, { exitCode: 2, remedy: remedyOf(status) });
  }
  return new ReembedError("embedding_request_refused", message, {
    remedy: "If it takes fewer texts or tokens at a time, lower EMBEDDING_REQUEST_TEXTS or TOKEN_BUDGET.",
  });
}

export function isMisconfiguration(error: unknown): error is ReembedError {
  return error instanceof ReembedError && error.code === "embedding_server_refuses";
}

/** Anything that the server does not do for a client as it is: for its settings, or for what it asks. */
export function isRefusal(error: unknown): error is ReembedError {
  return isMisconfiguration(error) || (error instanceof ReembedError && error.code === "embedding_request_refused");
}

/** Seconds, or a date (RFC 9110, 10.2.3). */
export function retryAfterMs(header: string | null, now = Date.now()): number {
  if (header === null) return 0;
  const seconds = /^\d+$/.test(header.trim()) ? Number(header) : (Date.parse(header) - now) / 1_000;
  return Number.isFinite(seconds) ? Math.max(0, seconds * 1_000) : 0;
}

function remedyOf(status: number): string {
  return status === 401 || status === 403
    ? "Set EMBEDDING_API_KEY to a key that it accepts."
    : "EMBEDDING_ENDPOINT must be the address above /embeddings, as http://tei:8080/v1, of a server that has the model, by its id or by the name in EMBEDDING_ENDPOINT_MODEL.";
}
