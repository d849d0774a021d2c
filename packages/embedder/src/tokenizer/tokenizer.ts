import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { messageOf, ReembedError } from "@reembed/core";
import type { EncoderKind, TokenizerFailure } from "./encoder.ts";
import type { TokenizedText, TokenizerReply, TokenizerRequest, TokenizerSettings } from "./tokenizer-messages.ts";

export type { TokenizerFailure } from "./encoder.ts";
export type { TokenizedText } from "./tokenizer-messages.ts";

const threadFile = new URL("./tokenizer-thread.ts", import.meta.url);

/**
 * The model's own tokenizer, on a thread that is started on demand, so that the event loop stays free. The native
 * tokenizer has threads of its own, but it copies its ids on the calling thread: for a text of 10 MB that took 85 to 600 ms.
 * With this thread only the copy of the text remains, 28 ms.
 *
 * A text is tokenised as a whole, however long: 10 MB take 7 s and 0.5 GB, or 22 s and 2 GB if every second character is a
 * token. Cutting the text first would make the reported number of tokens a guess.
 */
export class Tokenizer implements AsyncDisposable {
  readonly #settings: TokenizerSettings;
  #thread: TokenizerThread | undefined;
  #closed = false;

  /** @param nativeModule Name of the native tokenizer's module. If it cannot be loaded, JavaScript is used. */
  constructor(folder: string, maxTokens: number, { nativeModule = "@anush008/tokenizers" } = {}) {
    this.#settings = { path: join(folder, "tokenizer.json"), maxTokens, nativeModule };
  }

  /**
   * Loads the tokenizer early and returns which implementation this platform uses.
   * @throws ReembedError `tokenizer_invalid` if `tokenizer.json` is not valid.
   */
  async load(): Promise<EncoderKind> {
    return await this.#open().ready;
  }

  /**
   * Tokenises texts and answers in their order.
   * @throws ReembedError `tokenizer_invalid` if `tokenizer.json` is not valid; `tokenizer_died` if the thread ends.
   */
  async tokenize(texts: readonly string[]): Promise<(TokenizedText | TokenizerFailure)[]> {
    const reply = await this.#open().ask("tokens", texts);
    return reply.kind === "tokens" ? reply.answers : [];
  }

  /**
   * The part of each text that the model reads, well-formed: the whole text, or its beginning up to the character where the
   * last token that is kept ends.
   * @throws ReembedError as `tokenize` does; `tokenizer_failed` if one of the texts has no tokens.
   */
  async readParts(texts: readonly string[]): Promise<string[]> {
    const reply = await this.#open().ask("parts", texts);
    return reply.kind === "parts" ? reply.parts : [];
  }

  #open(): TokenizerThread {
    if (this.#closed) throw died("it was closed");
    this.#thread ??= new TokenizerThread(this.#settings, () => {
      this.#thread = undefined;
    });
    return this.#thread;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await this.#thread?.end();
  }
}

/** One thread, from its start to its end. */
class TokenizerThread {
  readonly #worker: Worker;
  readonly #ready = Promise.withResolvers<EncoderKind>();
  readonly #requests = new Map<number, PromiseWithResolvers<TokenizerReply>>();
  readonly #onEnd: () => void;
  #lastId = 0;
  #reason: unknown;

  constructor(settings: TokenizerSettings, onEnd: () => void) {
    this.#onEnd = onEnd;
    // Callers get the error through their own promises; without a caller it must not be an unhandled rejection.
    this.#ready.promise.catch(() => undefined);
    this.#worker = new Worker(threadFile, { workerData: settings, execArgv: [] });
    this.#worker.on("message", (reply: TokenizerReply) => this.#receive(reply));
    this.#worker.on("error", (error) => {
      this.#reason ??= died(messageOf(error));
    });
    this.#worker.on("exit", (code) => this.#settle(died(`exit code ${code}`)));
  }

  get ready(): Promise<EncoderKind> {
    return this.#ready.promise;
  }

  async ask(wanted: TokenizerRequest["wanted"], texts: readonly string[]): Promise<TokenizerReply> {
    const id = ++this.#lastId;
    const request = Promise.withResolvers<TokenizerReply>();
    this.#requests.set(id, request);
    // An idle thread must not keep the process alive: it has nothing to lose.
    this.#worker.ref();
    this.#worker.postMessage({ id, wanted, texts } satisfies TokenizerRequest);
    return await request.promise;
  }

  async end(): Promise<void> {
    this.#reason ??= died("it was closed");
    await this.#worker.terminate();
  }

  #receive(reply: TokenizerReply): void {
    if (reply.kind === "ready") {
      this.#ready.resolve(reply.encoder);
    } else if (reply.kind === "refused") {
      this.#reason ??= new ReembedError(reply.code, reply.message);
      void this.#worker.terminate();
      return;
    } else {
      const request = this.#requests.get(reply.id);
      this.#requests.delete(reply.id);
      if (reply.kind === "failed") request?.reject(new ReembedError(reply.code, reply.message));
      else request?.resolve(reply);
    }
    if (this.#requests.size === 0) this.#worker.unref();
  }

  #settle(otherwise: ReembedError): void {
    this.#onEnd();
    const reason = this.#reason ?? otherwise;
    this.#ready.reject(reason);
    for (const request of this.#requests.values()) request.reject(reason);
    this.#requests.clear();
  }
}

function died(why: string): ReembedError {
  return new ReembedError("tokenizer_died", `The tokenizer's thread ended: ${why}`);
}
