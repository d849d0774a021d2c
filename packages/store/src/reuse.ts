import { sql } from "drizzle-orm";
import { encodeByteaArray, encodeInt8Array } from "./binary-array.ts";
import type { Database } from "./database.ts";
import { storeVectors } from "./embeddings.ts";
import type { PendingChunk } from "./pending.ts";
import type { RegisteredProfile } from "./profiles.ts";

/**
 * Gives pending chunks the vector of a chunk with the same text, where this profile or another one of the same model and
 * revision has it: under the guard of `upsertEmbeddings`, with its token counts, and with changes and quarantines settled.
 * Returns the ids that have a vector now.
 *
 * An adopted vector is not reused: its hash is of the text that stood beside it when it was adopted, and nobody knows
 * that it was computed from that. A copy would carry one wrong vector to every chunk with this text.
 */
export async function reuseEmbeddings(
  database: Database,
  profile: RegisteredProfile,
  pending: readonly PendingChunk[],
): Promise<number[]> {
  if (pending.length === 0) return [];
  return await storeVectors(
    database,
    profile,
    sql`
      select wanted.chunk_id, wanted.content_hash, found.embedding, found.token_count, found.truncated_tokens
      from unnest(
        ${encodeInt8Array(pending.map((chunk) => chunk.id))}::bigint[],
        ${encodeByteaArray(pending.map((chunk) => chunk.contentHash))}::bytea[]
      ) as wanted (chunk_id, content_hash)
      cross join lateral (
        select donor.embedding, donor.token_count, donor.truncated_tokens
        from reembed.profiles p
        cross join lateral (
          select e.embedding, e.token_count, e.truncated_tokens from reembed.chunk_embeddings e
          where e.profile = p.name and e.content_hash = wanted.content_hash
            and e.model_revision = ${profile.revision} and e.token_count is not null
          limit 1
        ) donor
        where p.model = ${profile.model} and p.revision = ${profile.revision}
        limit 1
      ) found
      offset 0`,
  );
}
