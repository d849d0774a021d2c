import { join } from "node:path";
import { type Model, ReembedError } from "@reembed/core";
import { type Embedder, type EmbedderObserver, embedOne, type TextOutcome } from "../embedder.ts";
import { exists, modelFolder } from "../model-files.ts";
import { outcomesOf, readTexts, rejectAll, type TextInput } from "../text-inputs.ts";
import { Tokenizer } from "../tokenizer.ts";
import { asTheyFinish } from "./as-they-finish.ts";
import { isRefusal } from "./endpoint-error.ts";
import { EmbeddingsEndpoint, type RetryLimits } from "./embeddings-endpoint.ts";
import { withListedModels } from "./listed-models.ts";
import { packRequests } from "./pack-requests.ts";

export interface HttpEmbedderOptions {
  model: Model;
  /** Where the model's tokenizer.json lies: the server tells no counts of tokens by text. */
  modelsFolder: string;
  /** The address above `/embeddings`, for instance http://tei:8080/v1. */
  endpoint: string;
  apiKey?: string | undefined;
  /** The model as the server calls it; by default its id. */
  servedModel?: string | undefined;
  /** Texts of one request at most. text-embeddings-inference takes 32 unless it is told otherwise. */
  requestTexts: number;
  /** Tokens of one request at most, padding included; by default what text-embeddings-inference takes. */
  tokenBudget?: number | undefined;
  /** Requests in flight at most, so that the server has the next at hand while it answers one. */
  requestsInFlight?: number;
  timeoutMs?: number;
  retries?: RetryLimits;
  observer?: EmbedderObserver | undefined;
  /** By default the model's own. It is disposed of with the embedder. */
  tokenizer?: Tokenizer;
}

const patience: RetryLimits = { tries: 5, firstWaitMs: 500, mostWaitMs: 30_000 };

/**
 * Starts an embedder that asks an OpenAI-compatible server: text-embeddings-inference, vLLM, Ollama, infinity. It has
 * embedded a first text when this returns. Which revision the server has loaded, it does not say.
 * @throws ReembedError `model_file_missing`, `tokenizer_invalid`, `embedding_server_away`, `embedding_server_refuses`,
 * or `model_unusable` when the server's model is another.
 */
export async function startHttpEmbedder(options: HttpEmbedderOptions): Promise<Embedder> {
  await requireTokenizer(options);
  const embedder = new HttpEmbedder(options);
  try {
    const outcome = await embedOne(embedder);
    if ("rejected" in outcome) throw new ReembedError("model_unusable", outcome.detail, { exitCode: 2 });
    return embedder;
  } catch (error) {
    await embedder[Symbol.asyncDispose]();
    if (isRefusal(error)) throw await withListedModels(error, options);
    if (!(error instanceof ReembedError) || error.code !== "embedding_answer_invalid") throw error;
    throw new ReembedError("model_unusable", error.message, {
      exitCode: 2,
      cause: error,
      remedy: `EMBEDDING_ENDPOINT must be of a server that has ${options.model.id}.`,
    });
  }
}

class HttpEmbedder implements Embedder {
  readonly model: Model;
  readonly device = "http";
  readonly #tokenizer: Tokenizer;
  readonly #endpoint: EmbeddingsEndpoint;
  readonly #limits: { texts: number; tokens: number };
  readonly #requestsInFlight: number;
  readonly #observer: EmbedderObserver | undefined;
  readonly #closing = new AbortController();

  constructor({ requestsInFlight = 4, timeoutMs = 60_000, retries = patience, ...options }: HttpEmbedderOptions) {
    const { requestTexts, tokenBudget = 16_384, observer } = options;
    const { model, endpoint, apiKey, servedModel = model.id } = options;
    const { dimensions } = model;
    this.model = model;
    this.#tokenizer = options.tokenizer ?? new Tokenizer(modelFolder(model, options.modelsFolder), model.maxTokens);
    this.#endpoint = new EmbeddingsEndpoint({ endpoint, apiKey, model: servedModel, dimensions, timeoutMs, retries });
    this.#limits = { texts: requestTexts, tokens: tokenBudget };
    this.#requestsInFlight = requestsInFlight;
    this.#observer = observer;
    observer?.budgeted(tokenBudget);
  }

  async *embed(texts: readonly string[]): AsyncGenerator<TextOutcome[]> {
    const { signal } = this.#closing;
    signal.throwIfAborted();
    try {
      const { inputs, rejected } = await readTexts(texts, this.#tokenizer, this.#observer);
      if (rejected.length > 0) yield rejected;
      const requests = packRequests(inputs, this.#limits);
      yield* asTheyFinish(requests, this.#requestsInFlight, signal, (request, left) => this.#send(request, left));
    } catch (error) {
      // Closed in the middle, its parts fail each in its own way.
      signal.throwIfAborted();
      throw error;
    }
  }

  async #send(inputs: readonly TextInput[], signal: AbortSignal): Promise<TextOutcome[]> {
    const texts = await this.#readParts(inputs);
    const startedAt = performance.now();
    const vectors = await this.#endpoint.embed(texts, signal);
    const seconds = (performance.now() - startedAt) / 1_000;
    const tokens = inputs.reduce((sum, { ids }) => sum + ids.length, 0);
    this.#observer?.ran({ texts: inputs.length, tokens, padding: 0, seconds });
    return inputs.flatMap((input, place) => {
      const received = vectors[place] ?? { problem: "The server gave no vector." };
      if ("problem" in received) return rejectAll(input.indexes, "invalid_vector", received.problem);
      return outcomesOf(input, received.vector);
    });
  }

  /** What the model reads of the texts: servers refuse longer ones, and halves of surrogate pairs. */
  async #readParts(inputs: readonly TextInput[]): Promise<string[]> {
    const long = inputs.filter(({ ids, tokenCount }) => ids.length < tokenCount).map(({ text }) => text);
    const parts = long.length === 0 ? [] : await this.#tokenizer.readParts(long);
    const partOf = new Map(long.map((text, place) => [text, parts[place]]));
    return inputs.map(({ text }) => partOf.get(text) ?? text.toWellFormed());
  }

  /** Requests in flight are given up, and their callers told so. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new ReembedError("inference_died", "The embedder was closed"));
    await this.#tokenizer[Symbol.asyncDispose]();
  }
}

async function requireTokenizer({ model, modelsFolder, tokenizer }: HttpEmbedderOptions): Promise<void> {
  if (tokenizer !== undefined) return;
  const path = join(modelFolder(model, modelsFolder), "tokenizer.json");
  if (await exists(path)) return;
  throw new ReembedError(
    "model_file_missing",
    `${path} is missing: texts are counted and cut here, not by the server.`,
    {
      remedy: `Run \`reembed model pull ${model.id}\`, or put that file there yourself.`,
    },
  );
}
