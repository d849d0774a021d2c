import { setTimeout as delay } from "node:timers/promises";
import { trace } from "@opentelemetry/api";
import { messageOf, ReembedError } from "@reembed/core";
import {
  EndpointOutage,
  InvalidAnswer,
  isMisconfiguration,
  type NamedServer,
  neverSent,
  refusal,
} from "./endpoint-error.ts";
import { type ReceivedVector, readEmbeddings } from "./read-embeddings.ts";
import { RequestGate, type RequestLimits } from "./request-gate.ts";
import type { TokenMeter } from "./token-meter.ts";

export interface EndpointOptions {
  /** The base address: requests go to `<endpoint>/embeddings`. */
  endpoint: string;
  apiKey: string | undefined;
  /** What the variables of this server begin with, for messages. */
  variables: string;
  /** The server's name for the model. */
  model: string;
  outputDimensions: number;
  timeoutMs: number;
  retries: RetryLimits;
  limits: RequestLimits;
  meter?: TokenMeter | undefined;
  /** Whether requests name the trace to which they belong. */
  traced: boolean;
}

/** The texts of one request, and their tokens. */
export interface RequestTexts {
  texts: readonly string[];
  tokens: number;
}

export interface RetryLimits {
  tries: number;
  /** Upper limit of the wait before the first retry; it doubles with each retry. */
  firstWaitMs: number;
  /** Upper limit of every wait, also of one that the server asks for. */
  mostWaitMs: number;
}

/** Node's codes for a connection that did not come about. */
const unconnected = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/;

/** Posts to `{endpoint}/embeddings` and repeats a request while its failure may be temporary. */
export class EmbeddingsEndpoint {
  readonly #options: EndpointOptions;
  readonly #url: URL;
  readonly #headers: Headers;
  readonly #server: NamedServer;
  readonly #gate: RequestGate;
  #hasAnswered = false;

  /** @throws ReembedError `embedding_settings_invalid` for settings that fetch would refuse with a message that quotes them. */
  constructor(options: EndpointOptions) {
    this.#options = options;
    this.#gate = new RequestGate(options.limits);
    this.#url = new URL(options.endpoint);
    if (this.#url.username !== "" || this.#url.password !== "") {
      throw invalid(
        `${options.variables}_ENDPOINT contains a user or a password`,
        `Put the server's key into ${options.variables}_API_KEY.`,
      );
    }
    if (!/^[!-~]+$/.test(options.apiKey ?? "none")) {
      throw invalid(
        `${options.variables}_API_KEY contains a character that HTTP headers do not allow`,
        "Remove spaces and line breaks from it.",
      );
    }
    this.#url.pathname = `${this.#url.pathname.replace(/\/+$/, "")}/embeddings`;
    this.#server = { address: `${this.#url.origin}${this.#url.pathname}`, variables: options.variables };
    this.#headers = new Headers({ "content-type": "application/json" });
    if (options.apiKey !== undefined) this.#headers.set("authorization", `Bearer ${options.apiKey}`);
  }

  /**
   * Returns the vectors of the texts, in order.
   * @throws ReembedError `embedding_server_away` if the server is away or busy for longer than the retries last;
   * `embedding_server_refuses` on the first request for a wrong key, address or model; `embedding_request_refused`,
   * `embedding_failed` or `embedding_answer_invalid` if these texts may be the cause. Throws the signal's reason if aborted.
   */
  async embed({ texts, tokens }: RequestTexts, signal: AbortSignal): Promise<ReceivedVector[]> {
    const { tries, firstWaitMs, mostWaitMs } = this.#options.retries;
    for (let failures = 1; ; failures++) {
      this.#refuseDuringLongPause();
      try {
        const vectors = await this.#gate.pass(tokens, signal, () =>
          this.#metered(tokens, (read) => this.#request(texts, signal, read)),
        );
        this.#hasAnswered = true;
        return vectors;
      } catch (error) {
        signal.throwIfAborted();
        if (!mayPass(error)) throw this.#hasAnswered ? asOutage(error, this.#server) : error;
        const askedMs = error instanceof EndpointOutage ? error.retryAfterMs : 0;
        this.#gate.pause(askedMs);
        if (failures >= tries || askedMs > mostWaitMs) throw error;
        // Full jitter spreads the retries of a fleet evenly, so that they do not overload a server that has just come back.
        const jitteredMs = Math.random() * Math.min(mostWaitMs, firstWaitMs * 2 ** (failures - 1));
        await delay(Math.min(mostWaitMs, askedMs + jitteredMs), undefined, { signal }).catch(() => undefined);
        signal.throwIfAborted();
      }
    }
  }

  /** The server asked for a pause that is too long to wait through. Nothing is sent before its end, and the caller is told. */
  #refuseDuringLongPause(): void {
    const { pauseMs } = this.#gate;
    if (pauseMs <= this.#options.retries.mostWaitMs) return;
    throw new EndpointOutage(this.#server, `it asked to be left alone for another ${Math.ceil(pauseMs / 1_000)} s`);
  }

  /** Every try is paid for. One that fails counts with all of its tokens, unless the server has surely not read them. */
  async #metered<Answer>(tokens: number, send: (read: (tokens: number) => void) => Promise<Answer>): Promise<Answer> {
    const { meter } = this.#options;
    const reserved = (await meter?.reserve(tokens)) ?? 0;
    let read = tokens;
    try {
      return await send((known) => {
        read = known;
      });
    } catch (error) {
      if (neverSent(error)) read = 0;
      throw error;
    } finally {
      meter?.settle(reserved, read);
    }
  }

  async #request(
    texts: readonly string[],
    signal: AbortSignal,
    read: (tokens: number) => void,
  ): Promise<ReceivedVector[]> {
    const { model, outputDimensions, timeoutMs } = this.#options;
    const body = JSON.stringify({ model, input: texts, encoding_format: "float" });
    const { response, text } = await this.#post(body, timeoutMs, signal);
    if (!response.ok) {
      if (response.status < 500) read(0);
      throw refusal(this.#server, response, this.#withoutKey(reasonIn(text)));
    }
    try {
      const { vectors, usedTokens } = readEmbeddings(text, { texts: texts.length, outputDimensions });
      if (usedTokens !== undefined) read(usedTokens);
      return vectors;
    } catch (error) {
      const cutOff = error instanceof SyntaxError;
      // The message of JSON.parse is not passed on, because it quotes the body.
      throw new InvalidAnswer(this.#server, cutOff ? "it is not complete JSON" : messageOf(error), { cutOff });
    }
  }

  /** The time limit covers the whole answer: a server can hang in the middle of one. */
  async #post(body: string, timeoutMs: number, signal: AbortSignal): Promise<{ response: Response; text: string }> {
    using limit = abortAfter(timeoutMs, signal);
    try {
      const headers = this.#options.traced ? withTrace(this.#headers) : this.#headers;
      const init = { method: "POST", headers, body, signal: limit.signal };
      const response = await fetch(this.#url, init);
      return { response, text: await response.text() };
    } catch (error) {
      signal.throwIfAborted();
      if (limit.signal.aborted) throw new EndpointOutage(this.#server, `it did not come within ${timeoutMs / 1_000} s`);
      // "fetch failed" and "terminated" say nothing; the cause says what failed.
      const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
      const neverSent = unconnected.test(String((cause as { code?: unknown } | null)?.code));
      throw new EndpointOutage(this.#server, this.#withoutKey(messageOf(cause)), { neverSent });
    }
  }

  #withoutKey(text: string): string {
    const { apiKey } = this.#options;
    return apiKey === undefined ? text : text.replaceAll(apiKey, "***");
  }
}

function invalid(message: string, remedy: string): ReembedError {
  return new ReembedError("embedding_settings_invalid", `${message}.`, { exitCode: 2, remedy });
}

function mayPass(error: unknown): boolean {
  if (error instanceof EndpointOutage) return true;
  if (error instanceof InvalidAnswer) return error.cutOff;
  return error instanceof ReembedError && error.code === "embedding_failed";
}

/**
 * The server accepted this key and model before, so it is being reconfigured: no text is to blame, no batch should fail.
 */
function asOutage(error: unknown, server: NamedServer): unknown {
  return isMisconfiguration(error) ? new EndpointOutage(server, error.message) : error;
}

function abortAfter(ms: number, outer: AbortSignal): Disposable & { signal: AbortSignal } {
  const controller = new AbortController();
  const abort = () => controller.abort();
  const timer = setTimeout(abort, ms);
  outer.addEventListener("abort", abort, { once: true });
  if (outer.aborted) abort();
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      clearTimeout(timer);
      outer.removeEventListener("abort", abort);
    },
  };
}

/** The reason that a server gives, shortened: some servers repeat the whole input, which must not reach a log. */
function reasonIn(body: string): string {
  try {
    const { error, message, detail } = JSON.parse(body);
    const reason = [error?.message, error, message, detail].find((candidate) => typeof candidate === "string");
    return messageOf(reason ?? "").slice(0, 200);
  } catch {
    return "";
  }
}

/** Of the trace only its ids and whether it is recorded: `tracestate` and baggage may say more than a server should know. */
function withTrace(headers: Headers): Headers {
  const span = trace.getActiveSpan()?.spanContext();
  if (span === undefined) return headers;
  const { traceId, spanId, traceFlags } = span;
  const traceparent = `00-${traceId}-${spanId}-0${traceFlags}`;
  return new Headers([...headers, ["traceparent", traceparent]]);
}
