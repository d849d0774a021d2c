import { setTimeout as delay } from "node:timers/promises";
import { messageOf, ReembedError } from "@reembed/core";
import { EndpointOutage, InvalidAnswer, isMisconfiguration, refusal } from "./endpoint-error.ts";
import { type ReceivedVector, readEmbeddings } from "./read-embeddings.ts";

export interface EndpointOptions {
  /** The address above `/embeddings`. */
  endpoint: string;
  apiKey: string | undefined;
  /** As the server knows the model. */
  model: string;
  dimensions: number;
  timeoutMs: number;
  retries: RetryLimits;
}

export interface RetryLimits {
  tries: number;
  /** The longest wait before the first retry; it doubles with each. */
  firstWaitMs: number;
  /** No wait is longer, not even one that the server asks for. */
  mostWaitMs: number;
}

/** One `POST {endpoint}/embeddings` after another, each repeated while its failure may pass. */
export class EmbeddingsEndpoint {
  readonly #options: EndpointOptions;
  readonly #url: URL;
  readonly #headers: Headers;
  /** For messages: without what a query may hold. */
  readonly #name: string;
  #hasAnswered = false;

  /** @throws ReembedError `embedding_settings_invalid` when fetch would refuse them, and quote them in its error. */
  constructor(options: EndpointOptions) {
    this.#options = options;
    this.#url = new URL(options.endpoint);
    if (this.#url.username !== "" || this.#url.password !== "") {
      throw invalid("EMBEDDING_ENDPOINT has a user or a password in it", "Give the server's key in EMBEDDING_API_KEY.");
    }
    if (!/^[!-~]+$/.test(options.apiKey ?? "none")) {
      throw invalid(
        "EMBEDDING_API_KEY has a character in it that no header can have",
        "Look for spaces and line ends.",
      );
    }
    this.#url.pathname = `${this.#url.pathname.replace(/\/+$/, "")}/embeddings`;
    this.#name = `${this.#url.origin}${this.#url.pathname}`;
    this.#headers = new Headers({ "content-type": "application/json" });
    if (options.apiKey !== undefined) this.#headers.set("authorization", `Bearer ${options.apiKey}`);
  }

  /**
   * The vectors of the texts, in their order.
   * @throws ReembedError `embedding_server_away` when the server is away or busy for longer than the retries take;
   * `embedding_server_refuses` at first for a wrong key, address or model; `embedding_request_refused`,
   * `embedding_failed` or `embedding_answer_invalid` when these texts may be to blame. The signal's reason.
   */
  async embed(texts: readonly string[], signal: AbortSignal): Promise<ReceivedVector[]> {
    const { tries, firstWaitMs, mostWaitMs } = this.#options.retries;
    for (let failures = 1; ; failures++) {
      try {
        const vectors = await this.#request(texts, signal);
        this.#hasAnswered = true;
        return vectors;
      } catch (error) {
        signal.throwIfAborted();
        if (!mayPass(error)) throw this.#hasAnswered ? asOutage(error, this.#name) : error;
        const askedMs = error instanceof EndpointOutage ? error.retryAfterMs : 0;
        if (failures >= tries || askedMs > mostWaitMs) throw error;
        // Full jitter spreads the workers of a fleet most evenly over the time: a server that comes back is not run over.
        const jitteredMs = Math.random() * Math.min(mostWaitMs, firstWaitMs * 2 ** (failures - 1));
        await delay(Math.min(mostWaitMs, askedMs + jitteredMs), undefined, { signal }).catch(() => undefined);
        signal.throwIfAborted();
      }
    }
  }

  async #request(texts: readonly string[], signal: AbortSignal): Promise<ReceivedVector[]> {
    const { model, dimensions, timeoutMs } = this.#options;
    const body = JSON.stringify({ model, input: texts, encoding_format: "float" });
    const { response, text } = await this.#post(body, timeoutMs, signal);
    if (!response.ok) throw refusal(this.#name, response, this.#withoutKey(reasonIn(text)));
    try {
      return readEmbeddings(text, { texts: texts.length, dimensions });
    } catch (error) {
      const cutOff = error instanceof SyntaxError;
      // What JSON.parse says quotes the body.
      throw new InvalidAnswer(this.#name, cutOff ? "it is no whole JSON" : messageOf(error), { cutOff });
    }
  }

  /** The time is for the whole answer: a server can hang in the middle of one. */
  async #post(body: string, timeoutMs: number, signal: AbortSignal): Promise<{ response: Response; text: string }> {
    using limit = abortAfter(timeoutMs, signal);
    try {
      const init = { method: "POST", headers: this.#headers, body, signal: limit.signal };
      const response = await fetch(this.#url, init);
      return { response, text: await response.text() };
    } catch (error) {
      signal.throwIfAborted();
      if (limit.signal.aborted) throw new EndpointOutage(this.#name, `${timeoutMs / 1_000} s have passed`);
      // "fetch failed" and "terminated" say nothing; what failed is their cause.
      const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
      throw new EndpointOutage(this.#name, this.#withoutKey(messageOf(cause)));
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
 * A server that took this key and had this model is being changed: no text is to blame, and no batch should fail for it.
 */
function asOutage(error: unknown, name: string): unknown {
  return isMisconfiguration(error) ? new EndpointOutage(name, error.message) : error;
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

/** What a server says for a reason, shortly: some repeat the whole input, which belongs into no log. */
function reasonIn(body: string): string {
  try {
    const { error, message, detail } = JSON.parse(body);
    const reason = [error?.message, error, message, detail].find((candidate) => typeof candidate === "string");
    return messageOf(reason ?? "").slice(0, 200);
  } catch {
    return "";
  }
}
