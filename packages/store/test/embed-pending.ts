import type { Database } from "../src/database/database.ts";
import { upsertEmbeddings } from "../src/embeddings/embeddings.ts";
import { readPendingChunks } from "../src/embeddings/pending.ts";
import type { RegisteredProfile } from "../src/profiles/profiles.ts";

/** Does what a worker does with those of these chunks that lack a vector. */
export async function embedPending(
  database: Database,
  profile: RegisteredProfile,
  ids: readonly number[],
): Promise<void> {
  const pending = await readPendingChunks(database, profile, ids);
  const vector = new Float32Array(profile.dimensions).fill(0.05);
  const embedded = pending.map(({ id, contentHash }) => ({
    chunkId: id,
    contentHash,
    vector,
    tokenCount: 1,
    truncatedTokens: 0,
  }));
  await upsertEmbeddings(database, profile, embedded);
}
