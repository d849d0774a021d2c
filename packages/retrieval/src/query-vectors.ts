import { modelKey, ReembedError, requireKnownModel } from "@reembed/core";
import { type Embedder, embedOne } from "@reembed/embedder";
import { type Metrics, traced } from "@reembed/runtime";
import type { RegisteredProfile } from "@reembed/store/profiles";
import { LRUCache } from "lru-cache";

/** 10,000 vectors of 1,024 dimensions take 40 MB. */
const vectorsAtMost = 10_000;

export interface QueryVectorsOptions {
  /** Embedders by the `modelKey` of their model. */
  embedders: ReadonlyMap<string, Embedder>;
  metrics: Metrics;
}

/** Embeds queries, each with the model of its profile. Caches the latest vectors, and embeds concurrent equal queries once. */
export class QueryVectors {
  readonly #embedders: ReadonlyMap<string, Embedder>;
  readonly #metrics: Metrics;
  readonly #vectors = new LRUCache<string, Float32Array, { embedder: Embedder; query: string }>({
    max: vectorsAtMost,
    fetchMethod: (_key, _stale, { context }) => embedQuery(context.embedder, context.query),
  });

  constructor({ embedders, metrics }: QueryVectorsOptions) {
    this.#embedders = embedders;
    this.#metrics = metrics;
  }

  /** Whether this process has loaded the profile's model at its revision. */
  has({ model, revision }: Pick<RegisteredProfile, "model" | "revision">): boolean {
    return this.#embedders.has(modelKey(model, revision));
  }

  /** @throws ReembedError `model_as_is`, `model_missing`, or `query_rejected` for a query without any readable text. */
  async of(profile: RegisteredProfile, query: string): Promise<Float32Array> {
    requireKnownModel(profile);
    const loaded = modelKey(profile.model, profile.revision);
    const embedder = this.#embedders.get(loaded);
    if (embedder === undefined) {
      throw new ReembedError(
        "model_missing",
        `This process has not loaded ${profile.model} at revision ${profile.revision}, the model of ${profile.name}.`,
      );
    }
    const key = `${loaded} ${query}`;
    const source = this.#vectors.has(key) ? "cache" : "model";
    this.#metrics.queryVectors.inc({ model: profile.model, source });
    const facts = { profile: profile.name, model: profile.model, device: embedder.device, source };
    const vector = await traced("embed query", facts, () =>
      this.#vectors.forceFetch(key, { context: { embedder, query } }),
    );
    this.#metrics.cachedQueryVectors.set(this.#vectors.size);
    return vector;
  }
}

async function embedQuery(embedder: Embedder, query: string): Promise<Float32Array> {
  const outcome = await embedOne(embedder, query, { as: "query" });
  if ("vector" in outcome) return outcome.vector;
  throw new ReembedError("query_rejected", "This query has no readable text.");
}
