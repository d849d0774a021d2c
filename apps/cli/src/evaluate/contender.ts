import { ReembedError, type ScoredChunk } from "@reembed/core";
import type { Embedder } from "@reembed/embedder";
import { type Database, type RegisteredProfile, type SearchResult, searchExactly, searchProfile } from "@reembed/store";

/** Baseline or candidate, with its running model. */
export interface Contender {
  profile: RegisteredProfile;
  embedder: Embedder;
}

/** Receives the progress of a step. */
export type Progress = (step: string, done: number, total: number) => void;

/** `exact`: compares every vector. `index`: searches as users do. */
export type SearchKind = "exact" | "index";

/** One vector per query, in order. */
export async function embedQueries(
  { profile, embedder }: Contender,
  texts: readonly string[],
  progress: Progress,
): Promise<Float32Array[]> {
  const vectors = await embedTexts(embedder, texts, (done) =>
    progress(`embedding queries with ${profile.name}`, done, texts.length),
  );
  return vectors.map((vector, index) => {
    if (vector !== undefined) return vector;
    throw new ReembedError(
      "text_rejected",
      `${profile.model} cannot embed the query ${JSON.stringify(texts[index])}.`,
      {
        exitCode: 2,
        remedy: "Leave this query out.",
      },
    );
  });
}

/** One vector per text; undefined if the model rejects the text. */
export async function embedTexts(
  embedder: Embedder,
  texts: readonly string[],
  onProgress: (done: number) => void = () => {},
): Promise<(Float32Array | undefined)[]> {
  const vectors = new Array<Float32Array | undefined>(texts.length).fill(undefined);
  let done = 0;
  for await (const outcomes of embedder.embed(texts)) {
    for (const outcome of outcomes) if ("vector" in outcome) vectors[outcome.index] = outcome.vector;
    done += outcomes.length;
    onProgress(done);
  }
  return vectors;
}

/** The first `profile.limit` results for each vector, whatever their scores. */
export async function rankAll(
  database: Database,
  profile: RegisteredProfile,
  vectors: readonly Float32Array[],
  { search, limit = profile.limit, progress }: { search: SearchKind; limit?: number; progress: Progress },
): Promise<ScoredChunk[][]> {
  const rankings: ScoredChunk[][] = [];
  for (const vector of vectors) {
    const results = await searchBy(search, database, profile, vector, limit);
    rankings.push(results.map(({ uri, start, end, score }) => ({ document: uri, start, end, score })));
    progress(`searching ${profile.name}`, rankings.length, vectors.length);
  }
  return rankings;
}

export async function searchBy(
  search: SearchKind,
  database: Database,
  profile: RegisteredProfile,
  vector: Float32Array,
  limit: number,
): Promise<SearchResult[]> {
  return await (search === "exact" ? searchExactly : searchProfile)(database, profile, vector, { limit });
}
