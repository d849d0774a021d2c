import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import type { Embedder } from "@reembed/embedder";

/** One request that the server received. */
export interface EmbeddingRequest {
  path: string | undefined;
  authorization: string | undefined;
  traceparent: string | string[] | undefined;
  model: string;
  input: string[];
  encoding_format: string;
}

/** Answers a request in a faulty way. `entries` is the correct `data`. */
export type Fault = (response: ServerResponse, entries: EmbeddingEntry[]) => void;

export interface EmbeddingEntry {
  object: "embedding";
  index: number;
  embedding: (number | null)[];
}

/** An OpenAI-compatible server of `/v1/embeddings` that embeds with an embedder of this process. */
export class SomeEmbeddingServer implements AsyncDisposable {
  readonly requests: EmbeddingRequest[] = [];
  /** The next requests are answered by these, one each; undefined means a correct answer. */
  readonly faults: (Fault | undefined)[] = [];
  /** Chooses the fault for every request. */
  faultOf: (request: EmbeddingRequest) => Fault | undefined = () => undefined;
  /** The server's name for its model; by default the model's id. */
  servedModel: string;
  /** Names that `GET /models` lists. If undefined there is no such page, as in text-embeddings-inference. */
  listed: string[] | undefined;
  /** Requests with more texts are refused with 413. */
  mostTexts = 32;
  /** If set, answers say that each text had so many tokens, as OpenAI's do. */
  tokensPerText: number | undefined;
  /** If set, requests without this key are refused with 401. */
  requiredKey: string | undefined;
  /** The highest number of concurrent requests so far. */
  mostAtOnce = 0;
  #busyWith = 0;
  readonly #embedder: Embedder;
  readonly #server = createServer((request, response) => {
    // Its model may be closed while it answers: then its connections are closed too.
    void this.#answer(request, response).catch(() => response.destroy());
  });

  private constructor(embedder: Embedder) {
    this.#embedder = embedder;
    this.servedModel = embedder.model.id;
  }

  /** @param embedder Disposed of with the server. Its vectors are scaled by 3, because Ollama's were not normalised either. */
  static async start(embedder: Embedder, port = 0): Promise<SomeEmbeddingServer> {
    const server = new SomeEmbeddingServer(embedder);
    server.#server.listen(port, "127.0.0.1");
    await once(server.#server, "listening");
    return server;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  /** The texts of all requests so far. */
  get texts(): string[] {
    return this.requests.flatMap(({ input }) => input);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
    await this.#embedder[Symbol.asyncDispose]();
  }

  async #answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#busyWith);
    response.on("close", () => this.#busyWith--);
    if (incoming.method === "GET") return this.#list(incoming, response);
    const body = (await json(incoming)) as Omit<EmbeddingRequest, "authorization" | "traceparent">;
    const { authorization, traceparent } = incoming.headers;
    const request = { ...body, path: incoming.url, authorization, traceparent };
    this.requests.push(request);
    const refused = this.#refusalOf(request);
    if (refused !== undefined) return refused(response, []);
    const entries = await this.#embed(request.input);
    const fault = this.faults.shift() ?? this.faultOf(request);
    if (fault !== undefined) return fault(response, entries);
    const total = this.tokensPerText === undefined ? undefined : this.tokensPerText * entries.length;
    const usage = total === undefined ? {} : { usage: { prompt_tokens: total, total_tokens: total } };
    sendJson(response, { object: "list", model: request.model, data: entries, ...usage });
  }

  #list({ url, headers }: IncomingMessage, response: ServerResponse): void {
    const { listed, requiredKey } = this;
    const admitted = requiredKey === undefined || headers.authorization === `Bearer ${requiredKey}`;
    if (!admitted) response.writeHead(401).end();
    else if (url !== "/v1/models" || listed === undefined) response.writeHead(404).end();
    else sendJson(response, { object: "list", data: listed.map((id) => ({ id, object: "model" })) });
  }

  #refusalOf({ path, input, model, authorization }: EmbeddingRequest): Fault | undefined {
    if (path !== "/v1/embeddings") return status(404);
    if (this.requiredKey !== undefined && authorization !== `Bearer ${this.requiredKey}`) {
      return status(401, {
        error: { message: `Incorrect API key provided: ${authorization?.slice("Bearer ".length)}` },
      });
    }
    if (model !== this.servedModel) return status(404, { error: { message: `The model ${model} does not exist.` } });
    if (input.some((text) => !text.isWellFormed())) return status(422, { detail: "lone surrogate" });
    if (input.length > this.mostTexts)
      return status(413, { message: `batch size ${input.length} > ${this.mostTexts}` });
  }

  async #embed(texts: string[]): Promise<EmbeddingEntry[]> {
    const entries: EmbeddingEntry[] = [];
    for await (const outcome of this.#embedder.embed(texts, { as: "passage" })) {
      for (const text of outcome) {
        const embedding = "vector" in text ? Array.from(text.vector, (value) => value * 3) : [];
        entries.push({ object: "embedding", index: text.index, embedding });
      }
    }
    return entries.sort((a, b) => a.index - b.index);
  }
}

/** A fault that answers with a status, a JSON body and headers. */
export function status(code: number, body: object = {}, headers: Record<string, string> = {}): Fault {
  return (response) => void response.writeHead(code, headers).end(JSON.stringify(body));
}

/** A fault that answers 200 with changed entries. */
export function data(change: (entries: EmbeddingEntry[]) => unknown): Fault {
  return (response, entries) => sendJson(response, { object: "list", data: change(entries) });
}

/** A fault that answers 200 with a changed body. */
export function body(change: (whole: string) => string): Fault {
  return (response, entries) => void response.end(change(JSON.stringify({ object: "list", data: entries })));
}

/** A fault that never answers. */
export const hang: Fault = () => {};

/** A fault that closes the connection in the middle of the answer. */
export const breakOff: Fault = (response, entries) => {
  response.setHeader("content-length", 1_000_000);
  response.write(JSON.stringify(entries).slice(0, 1_000), () => response.destroy());
};

function sendJson(response: ServerResponse, answer: object): void {
  response.setHeader("content-type", "application/json").end(JSON.stringify(answer));
}
