import { sql } from "drizzle-orm";
import { encodeByteaArray, encodeInt8Array } from "../database/binary-values.ts";
import type { Database } from "../database/database.ts";
import type { RegisteredProfile } from "../profiles/profiles.ts";
import { donorOf } from "./donors.ts";
import { storeVectors } from "./embeddings.ts";
import type { PendingChunk } from "./pending.ts";

/**
 * Gives pending chunks the vector of a chunk with the same text, if one was found for them. Stores it as `upsertEmbeddings`
 * does, with its token counts, and removes changes and quarantines. Returns the ids that have a vector now. If there is
 * nothing to reuse, which is almost always so, it costs nothing.
 */
export async function reuseEmbeddings(
  database: Database,
  profile: RegisteredProfile,
  pending: readonly PendingChunk[],
): Promise<number[]> {
  const reusable = pending.filter((chunk) => chunk.reusable);
  if (reusable.length === 0) return [];
  return await storeVectors(
    database,
    profile,
    sql`
      select array_agg(wanted.chunk_id) as chunk_ids, array_agg(wanted.content_hash) as content_hashes,
        array_agg(donor.embedding) as embeddings, array_agg(donor.token_count) as token_counts,
        array_agg(donor.truncated_tokens) as truncated_tokens
      from unnest(
        ${encodeInt8Array(reusable.map((chunk) => chunk.id))}::bigint[],
        ${encodeByteaArray(reusable.map((chunk) => chunk.contentHash))}::bytea[]
      ) as wanted (chunk_id, content_hash)
      cross join lateral (${donorOf(profile, sql`wanted.content_hash`)}) donor`,
  );
}
