import { sql } from "drizzle-orm";
import { encodeByteaArray, encodeInt8Array } from "./binary-array.ts";
import type { Database } from "./database.ts";
import type { RegisteredProfile } from "./profiles.ts";

export interface RejectedChunk {
  chunkId: number;
  /** Of the text that was rejected, sha256 in UTF-8. */
  contentHash: Buffer;
  /** A short name such as `empty_text`. */
  reason: string;
  /** A sentence for a person; never the text itself. */
  detail: string;
}

/**
 * Sets chunks aside that cannot be embedded, if they still have the text that was rejected, and settles their changes.
 * A vector of an older text goes: a search must not find what is no longer there. Returns the ids set aside.
 */
export async function quarantineChunks(
  database: Database,
  profile: RegisteredProfile,
  rejected: readonly RejectedChunk[],
): Promise<number[]> {
  if (rejected.length === 0) return [];
  const { rows } = await database.execute<{ chunk_id: string }>(sql`
    with input as (
      select * from unnest(
        ${encodeInt8Array(rejected.map((chunk) => chunk.chunkId))}::bigint[],
        ${encodeByteaArray(rejected.map((chunk) => chunk.contentHash))}::bytea[],
        ${sql.param(rejected.map((chunk) => chunk.reason))}::text[],
        ${sql.param(rejected.map((chunk) => chunk.detail))}::text[]
      ) as input (chunk_id, content_hash, reason, detail)
    ), unchanged as (
      select input.* from input
      join ${sql.raw(profile.relation)} c on c.id = input.chunk_id
      where sha256(convert_to(c.content, 'UTF8')) = input.content_hash
      order by c.id
      for share of c
    ), set_aside as (
      insert into reembed.quarantined_chunks (profile, chunk_id, content_hash, reason, detail)
      select ${profile.name}, chunk_id, content_hash, reason, detail from unchanged
      on conflict (profile, chunk_id) do update set
        content_hash = excluded.content_hash, reason = excluded.reason, detail = excluded.detail,
        attempts = quarantined_chunks.attempts + 1, last_seen = now()
      returning chunk_id
    ), settled as (
      delete from reembed.chunk_changes using set_aside
      where chunk_changes.profile = ${profile.name} and chunk_changes.chunk_id = set_aside.chunk_id
    ), outdated as (
      delete from reembed.chunk_embeddings using set_aside
      where chunk_embeddings.profile = ${profile.name} and chunk_embeddings.chunk_id = set_aside.chunk_id
    )
    select chunk_id from set_aside`);
  return rows.map((row) => Number(row.chunk_id));
}
