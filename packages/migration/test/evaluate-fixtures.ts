import type { Model } from "@reembed/core";
import type { Embedder } from "@reembed/embedder";
import { embedTexts } from "@reembed/retrieval";
import type { Database } from "@reembed/store/database";
import { readPendingChunks, upsertEmbeddings } from "@reembed/store/embeddings";
import { readPlacedChunks } from "@reembed/store/evaluation";
import type { RegisteredProfile } from "@reembed/store/profiles";

/** A double whose vectors lie in a plane, at the angle in degrees that `angleOf` gives for a text. */
export function planeEmbedder(model: Model, angleOf: (text: string) => number): Embedder {
  return {
    model,
    device: "none",
    async *embed(texts) {
      yield texts.map((text, index) => {
        const vector = new Float32Array(model.dimensions);
        const radians = (angleOf(text) * Math.PI) / 180;
        vector.set([Math.cos(radians), Math.sin(radians)]);
        return { index, vector, tokenCount: 3, truncatedTokens: 0 };
      });
    },
    async [Symbol.asyncDispose]() {},
  };
}

/** The number in a text. */
export function numberIn(text: string): number {
  return Number(/\d+/.exec(text)?.[0]);
}

/** Stores a vector for every chunk of a profile, as workers do. */
export async function embedAll(database: Database, profile: RegisteredProfile, embedder: Embedder): Promise<void> {
  const chunks = await readPlacedChunks(database, profile, { limit: 10_000 });
  const pending = await readPendingChunks(
    database,
    profile,
    chunks.map(({ id }) => id),
  );
  const vectors = await embedTexts(
    embedder,
    pending.map(({ content }) => content),
    { as: "passage" },
  );
  const embedded = pending.flatMap(({ id, contentHash }, index) => {
    const vector = vectors[index];
    return vector === undefined ? [] : [{ chunkId: id, contentHash, vector, tokenCount: 3, truncatedTokens: 0 }];
  });
  await upsertEmbeddings(database, profile, embedded);
}
