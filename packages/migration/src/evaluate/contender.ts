import { ReembedError } from "@reembed/core";
import type { Embedder } from "@reembed/embedder";
import { embedTexts, type SearchKind, searchBy } from "@reembed/retrieval";
import type { ScoredChunk } from "@reembed/retrieval/measures";
import type { Database } from "@reembed/store/database";
import type { RegisteredProfile } from "@reembed/store/profiles";

/** Baseline or candidate, with its running model. */
export interface Contender {
  profile: RegisteredProfile;
  embedder: Embedder;
}

/** Receives the progress of a step. */
export type Progress = (step: string, done: number, total: number) => void;

/** One vector per query, in order. */
export async function embedQueries(
  { profile, embedder }: Contender,
  texts: readonly string[],
  progress: Progress,
): Promise<Float32Array[]> {
  const onProgress = (done: number) => progress(`embedding queries with ${profile.name}`, done, texts.length);
  const vectors = await embedTexts(embedder, texts, { as: "query", onProgress });
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

/** The first `profile.limit` results for each vector, whatever their scores. */
export async function rankAll(
  database: Database,
  profile: RegisteredProfile,
  vectors: readonly Float32Array[],
  { search, limit = profile.limit, progress }: { search: SearchKind; limit?: number; progress: Progress },
): Promise<ScoredChunk[][]> {
  const rankings: ScoredChunk[][] = [];
  for (const vector of vectors) {
    const results = await searchBy(database, profile, vector, { search, limit });
    rankings.push(results.map(({ uri, start, end, score }) => ({ document: uri, start, end, score })));
    progress(`searching ${profile.name}`, rankings.length, vectors.length);
  }
  return rankings;
}
