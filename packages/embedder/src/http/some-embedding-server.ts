import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import type { Embedder } from "../embedder.ts";

/** What the server was asked for. */
export interface EmbeddingRequest {
  path: string | undefined;
  authorization: string | undefined;
  model: string;
  input: string[];
  encoding_format: string;
}

/** Answers a request in another way than it should be answered. `entries` is what would have been its `data`. */
export type Fault = (response: ServerResponse, entries: EmbeddingEntry[]) => void;

export interface EmbeddingEntry {
  object: "embedding";
  index: number;
  embedding: (number | null)[];
}

/** An OpenAI-compatible server of `/v1/embeddings` that embeds with an embedder of this process. */
export class SomeEmbeddingServer implements AsyncDisposable {
  readonly requests: EmbeddingRequest[] = [];
  /** The next requests are answered by these, one each; as they should be where there is none. */
  readonly faults: (Fault | undefined)[] = [];
  /** Answers every request that it returns a fault for. */
  faultOf: (request: EmbeddingRequest) => Fault | undefined = () => undefined;
  /** What it calls its model: the model's id unless told otherwise. */
  servedModel: string;
  /** Names that `GET /models` answers with; without them it has no such page, as text-embeddings-inference. */
  listed: string[] | undefined;
  /** More texts in one request are refused with 413. */
  mostTexts = 32;
  /** Without it, everything is refused with 401. */
  requiredKey: string | undefined;
  /** Of how many requests it was busy with the most at once. */
  mostAtOnce = 0;
  #busyWith = 0;
  readonly #embedder: Embedder;
  readonly #server = createServer((request, response) => void this.#answer(request, response));

  private constructor(embedder: Embedder) {
    this.#embedder = embedder;
    this.servedModel = embedder.model.id;
  }

  /** @param embedder Is disposed of with the server. Scaled by 3, its vectors are as little normalised as Ollama's were. */
  static async start(embedder: Embedder, port = 0): Promise<SomeEmbeddingServer> {
    const server = new SomeEmbeddingServer(embedder);
    server.#server.listen(port, "127.0.0.1");
    await once(server.#server, "listening");
    return server;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  /** The texts of all requests. */
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
    const body = (await json(incoming)) as Omit<EmbeddingRequest, "authorization">;
    const request = { ...body, path: incoming.url, authorization: incoming.headers.authorization };
    this.requests.push(request);
    const refused = this.#refusalOf(request);
    if (refused !== undefined) return refused(response, []);
    const entries = await this.#embed(request.input);
    const fault = this.faults.shift() ?? this.faultOf(request);
    if (fault !== undefined) return fault(response, entries);
    sendJson(response, { object: "list", model: request.model, data: entries });
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
    for await (const outcome of this.#embedder.embed(texts)) {
      for (const text of outcome) {
        const embedding = "vector" in text ? Array.from(text.vector, (value) => value * 3) : [];
        entries.push({ object: "embedding", index: text.index, embedding });
      }
    }
    return entries.sort((a, b) => a.index - b.index);
  }
}

/** Answers with a status, a body of JSON and headers. */
export function status(code: number, body: object = {}, headers: Record<string, string> = {}): Fault {
  return (response) => void response.writeHead(code, headers).end(JSON.stringify(body));
}

/** Answers 200 with what it makes of the entries. */
export function data(change: (entries: EmbeddingEntry[]) => unknown): Fault {
  return (response, entries) => sendJson(response, { object: "list", data: change(entries) });
}

/** Answers 200 with what it makes of the whole body. */
export function body(change: (whole: string) => string): Fault {
  return (response, entries) => void response.end(change(JSON.stringify({ object: "list", data: entries })));
}

/** Never answers. */
export const hang: Fault = () => {};

/** Ends the connection in the middle of the answer. */
export const breakOff: Fault = (response, entries) => {
  response.setHeader("content-length", 1_000_000);
  response.write(JSON.stringify(entries).slice(0, 1_000), () => response.destroy());
};

function sendJson(response: ServerResponse, answer: object): void {
  response.setHeader("content-type", "application/json").end(JSON.stringify(answer));
}
