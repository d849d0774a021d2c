import { join } from "node:path";
import { type Model, ReembedError } from "@reembed/core";
import {
  type Embedder,
  type EmbedderObserver,
  promptOf,
  type TextOutcome,
  type TextRole,
  tryEmbedding,
} from "../embedder.ts";
import { checkServedVector } from "../models/golden-vector.ts";
import { exists, modelFolder } from "../models/model-files.ts";
import { findGolden } from "../models/prepared-graph.ts";
import { outcomesOf, readTexts, rejectAll, type TextInput } from "../tokenizer/text-inputs.ts";
import { hasNoTokenizer, type TextTokenizer, tokenizerOf } from "../tokenizer/tokenizer-of.ts";
import { asTheyFinish } from "./as-they-finish.ts";
import { EmbeddingsEndpoint, type RetryLimits } from "./embeddings-endpoint.ts";
import { isRefusal } from "./endpoint-error.ts";
import { withListedModels } from "./listed-models.ts";
import { packRequests } from "./pack-requests.ts";
import type { TokenMeter } from "./token-meter.ts";

export interface HttpEmbedderOptions {
  model: Model;
  /** The folder with the model's tokenizer.json, which is needed because servers do not return token counts per text. */
  modelsFolder: string;
  /** The base address, for example http://tei:8080/v1. */
  endpoint: string;
  /** What the variables of this server begin with, for messages: `EMBEDDING` or `BASELINE_EMBEDDING`. */
  variables: string;
  apiKey?: string | undefined;
  /** The server's name for the model; by default its id. */
  servedModel?: string | undefined;
  /** Maximum number of texts per request. text-embeddings-inference accepts 32 by default. */
  requestTexts: number;
  /** Maximum number of tokens per request, padding included; by default what text-embeddings-inference accepts. */
  tokenBudget?: number | undefined;
  /** Maximum number of requests in flight: the server always has the next one while it answers one. */
  requestsInFlight?: number;
  /** Maximum tokens and requests of this process in any minute; unlimited by default. */
  tokensPerMinute?: number | undefined;
  requestsPerMinute?: number | undefined;
  timeoutMs?: number;
  retries?: RetryLimits;
  observer?: EmbedderObserver | undefined;
  /** Whether the server is told the trace to which a request belongs; by default it is not. */
  traced?: boolean | undefined;
  /** Counts what the server is paid for. */
  meter?: TokenMeter | undefined;
  /** By default the model's own. Disposed of with the embedder. */
  tokenizer?: TextTokenizer;
}

const patience: RetryLimits = { tries: 5, firstWaitMs: 500, mostWaitMs: 30_000 };

/**
 * Starts an embedder that uses an OpenAI-compatible server: text-embeddings-inference, vLLM, Ollama, infinity. It has
 * embedded a first text when this returns: the golden text, if the model was prepared here for any device. Without that,
 * only the dimensions show whether the server has the model.
 * @throws ReembedError `model_file_missing`, `tokenizer_invalid`, `embedding_server_away`, `embedding_server_refuses`,
 * or `golden_vector_differs` or `model_unusable` if the server has another model.
 */
export async function startHttpEmbedder(options: HttpEmbedderOptions): Promise<Embedder> {
  await requireTokenizer(options);
  const embedder = new HttpEmbedder(options);
  try {
    const prepared = await findGolden(options.model, modelFolder(options.model, options.modelsFolder));
    const outcome = await tryEmbedding(embedder, prepared?.golden.text);
    if ("rejected" in outcome) throw new ReembedError("model_unusable", outcome.detail, { exitCode: 2 });
    if (prepared !== undefined) checkServedVector(outcome.vector, prepared);
    return embedder;
  } catch (error) {
    await embedder[Symbol.asyncDispose]();
    if (isRefusal(error)) throw await withListedModels(error, options);
    if (!(error instanceof ReembedError) || error.code !== "embedding_answer_invalid") throw error;
    throw new ReembedError("model_unusable", error.message, {
      exitCode: 2,
      cause: error,
      remedy: `Set ${options.variables}_ENDPOINT to a server that has ${options.model.id}.`,
    });
  }
}

class HttpEmbedder implements Embedder {
  readonly model: Model;
  readonly device = "http";
  readonly #tokenizer: TextTokenizer;
  readonly #endpoint: EmbeddingsEndpoint;
  readonly #limits: { texts: number; tokens: number };
  readonly #requestsInFlight: number;
  readonly #observer: EmbedderObserver | undefined;
  readonly #closing = new AbortController();

  constructor({ requestsInFlight = 4, timeoutMs = 60_000, retries = patience, ...options }: HttpEmbedderOptions) {
    const { requestTexts, tokenBudget = 16_384, observer } = options;
    const { model, endpoint, variables, apiKey, servedModel = model.id } = options;
    const { outputDimensions } = model;
    const { tokensPerMinute, requestsPerMinute } = options;
    const limits = { inFlight: requestsInFlight, tokensPerMinute, requestsPerMinute };
    this.model = model;
    this.#tokenizer = options.tokenizer ?? tokenizerOf(model, options.modelsFolder);
    this.#endpoint = new EmbeddingsEndpoint({
      ...{ endpoint, variables, apiKey, model: servedModel, outputDimensions },
      ...{ timeoutMs, retries, limits, meter: options.meter, traced: options.traced ?? false },
    });
    // A request with more tokens than a minute may have could never be within the limit.
    this.#limits = { texts: requestTexts, tokens: Math.min(tokenBudget, tokensPerMinute ?? tokenBudget) };
    this.#requestsInFlight = requestsInFlight;
    this.#observer = observer;
    observer?.budgeted(tokenBudget);
  }

  async *embed(texts: readonly string[], { as }: { as: TextRole }): AsyncGenerator<TextOutcome[]> {
    const { signal } = this.#closing;
    signal.throwIfAborted();
    try {
      const { inputs, rejected } = await readTexts(texts, {
        tokenizer: this.#tokenizer,
        prompt: promptOf(this.model, as),
        observer: this.#observer,
      });
      if (rejected.length > 0) yield rejected;
      const requests = packRequests(inputs, this.#limits);
      yield* asTheyFinish(requests, this.#requestsInFlight, signal, (request, left) => this.#send(request, left));
    } catch (error) {
      // After closing, requests in flight fail in various ways: all of them are reported as closed.
      signal.throwIfAborted();
      throw error;
    }
  }

  async #send(inputs: readonly TextInput[], signal: AbortSignal): Promise<TextOutcome[]> {
    const texts = await this.#readParts(inputs);
    const tokens = inputs.reduce((sum, { ids }) => sum + ids.length, 0);
    const startedAt = performance.now();
    const vectors = await this.#endpoint.embed({ texts, tokens }, signal);
    const seconds = (performance.now() - startedAt) / 1_000;
    this.#observer?.ran({ texts: inputs.length, tokens, padding: 0, seconds });
    return inputs.flatMap((input, place) => {
      const received = vectors[place] ?? { problem: "The server gave no vector." };
      if ("problem" in received) return rejectAll(input.indexes, "invalid_vector", received.problem);
      return outcomesOf(input, received.vector, this.model.dimensions);
    });
  }

  /** The part of each text that the model reads: servers refuse longer texts and lone surrogates. */
  async #readParts(inputs: readonly TextInput[]): Promise<string[]> {
    const long = inputs.filter(({ ids, tokenCount }) => ids.length < tokenCount).map(({ text }) => text);
    const parts = long.length === 0 ? [] : await this.#tokenizer.readParts(long);
    const partOf = new Map(long.map((text, place) => [text, parts[place]]));
    return inputs.map(({ text }) => partOf.get(text) ?? text.toWellFormed());
  }

  /** Aborts the requests in flight; their callers get an error. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new ReembedError("inference_died", "The embedder was closed"));
    await this.#tokenizer[Symbol.asyncDispose]();
  }
}

async function requireTokenizer({ model, modelsFolder, tokenizer }: HttpEmbedderOptions): Promise<void> {
  if (tokenizer !== undefined || hasNoTokenizer(model, modelsFolder)) return;
  const path = join(modelFolder(model, modelsFolder), "tokenizer.json");
  if (await exists(path)) return;
  throw new ReembedError(
    "model_file_missing",
    `${path} is missing: Reembed counts the tokens itself and truncates texts before it sends them.`,
    {
      remedy: `Run \`reembed model pull ${model.id}\`, or copy the file there.`,
    },
  );
}
