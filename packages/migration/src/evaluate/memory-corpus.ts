import type { Embedder } from "@reembed/embedder";
import { embedTexts } from "@reembed/retrieval";
import type { RankedChunk, ScoredChunk } from "@reembed/retrieval/measures";
import type { Database } from "@reembed/store/database";
import { readPlacedChunks } from "@reembed/store/evaluation";
import type { RegisteredProfile } from "@reembed/store/profiles";

/** Number of chunks whose texts are in memory at the same time. */
const pageSize = 256;

/** The chunks of a chunking with vectors of any model, only in this process. */
export interface MemoryCorpus {
  chunks: RankedChunk[];
  vectors: Float32Array[];
}

/** Embeds all chunks of the profile's chunking without storing anything. Texts that the model rejects cannot be found. */
export async function embedCorpus(
  database: Database,
  profile: RegisteredProfile,
  { embedder, onProgress }: { embedder: Embedder; onProgress: (done: number) => void },
): Promise<MemoryCorpus> {
  const corpus: MemoryCorpus = { chunks: [], vectors: [] };
  let after: number | undefined;
  for (let read = 0; ; ) {
    const page = await readPlacedChunks(database, profile, { after, limit: pageSize });
    const last = page.at(-1);
    if (last === undefined) return corpus;
    const embedded = await embedTexts(
      embedder,
      page.map(({ content }) => content),
      { as: "passage", onProgress: (done) => onProgress(read + done) },
    );
    for (const [index, { uri, start, end }] of page.entries()) {
      const vector = embedded[index];
      if (vector === undefined) continue;
      corpus.chunks.push({ document: uri, start, end });
      corpus.vectors.push(halved(vector));
    }
    read += page.length;
    after = last.id;
  }
}

/** The results that `searchExactly` would have with these vectors; equal scores are ordered by id. */
export function searchCorpus({ chunks, vectors }: MemoryCorpus, vector: Float32Array, limit: number): ScoredChunk[] {
  const query = halved(vector);
  const scores = Float64Array.from(vectors, (stored) => dot(stored, query));
  const nearest = [...scores.keys()].sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b).slice(0, limit);
  return nearest.map((index) => ({ ...(chunks[index] as RankedChunk), score: scores[index] as number }));
}

/** The cosine of two vectors of length 1. */
export function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += (a[index] as number) * (b[index] as number);
  return sum;
}

/** Rounds to half precision, in which the database stores vectors. */
function halved(vector: Float32Array): Float32Array {
  return Float32Array.from(new Float16Array(vector));
}
