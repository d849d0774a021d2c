// The types of the library. They import nothing: an application's compiler reads these declarations, and not those of all
// packages that Reembed is made of.

/** A search, as in the body of `POST /v1/search`. */
export interface Query {
  query: string;
  /** Who searches, for example a user. The rollout always chooses the same profile for the same subject. */
  subject?: string | undefined;
  /** Maximum number of results, 1 to 200; by default the profile's own. */
  limit?: number | undefined;
  /** Minimum score of a result, -1 to 1; by default the profile's own. */
  threshold?: number | undefined;
  /** Overrides the rollout's choice, for comparisons. Such searches are not recorded. */
  profile?: string | undefined;
  filter?: { language?: string | undefined; metadata?: Record<string, unknown> | undefined } | undefined;
}

export interface Answer {
  requestId: string;
  /** The profile that answered. */
  profile: string;
  tookMs: number;
  /** The best first. */
  results: Result[];
}

export interface Result {
  chunkId: number;
  /** Null if the document of an adopted chunk is unknown; its `uri` and `title` are empty then. */
  documentId: number | null;
  /** The key of the application's row, as text; several texts for several columns. Null for a chunk that Reembed has cut. */
  sourceId: string | string[] | null;
  uri: string;
  title: string;
  /** The chunk's place in its document, `[start, end)` in code points. */
  start: number;
  end: number;
  content: string;
  /** Those of the application's row, or else of the document. */
  metadata: Record<string, unknown>;
  /** Cosine similarity, at most 1. */
  score: number;
}

export interface OpenOptions {
  /** The variables of `.env.example`, `DATABASE_URL` first of all; by default those of this process. */
  environment?: Record<string, string | undefined>;
  /** `cpu`, which is the default, `webgpu`, `cuda` or `cuda:<number>`, for both models. */
  device?: string;
}

/** A migration's search within an application: what `reembed search` serves over HTTP. */
export interface Migration extends AsyncDisposable {
  /** Answers with the profile that the rollout chooses, and records the search for its guardrails. */
  search(query: Query): Promise<Answer>;
  /** The name of the profile that answers a subject now. */
  profileOf(subject: string): string;
  /**
   * A vector of length 1 for each text, by a profile's model; undefined for a text without anything readable. The model's
   * prompt for queries is put before each text, or the one for passages if `as` says so.
   */
  embed(
    profile: string,
    texts: readonly string[],
    reading?: { as: "query" | "passage" },
  ): Promise<(Float32Array | undefined)[]>;
}
