import { type SQL, sql } from "drizzle-orm";
import { encodeByteaArray, encodeHalfvecArray, encodeInt4Array, encodeInt8Array } from "../database/binary-values.ts";
import type { Database } from "../database/database.ts";
import { repeatOnConflict } from "../database/repeat-on-conflict.ts";
import type { RegisteredProfile } from "../profiles/profiles.ts";

/** A vector and the hash of the text that it was computed from. */
export interface EmbeddedChunk {
  chunkId: number;
  /** sha256 of the text in UTF-8, 32 bytes. */
  contentHash: Buffer;
  vector: Float32Array;
  tokenCount: number;
  truncatedTokens: number;
}

/**
 * Stores vectors whose chunk still has the text that they were computed from, and removes the changes and quarantines of
 * these chunks. Returns the written ids; the others were stale. It does not wait for a running edit, which has its own row in
 * the log and so gets another vector.
 */
export async function upsertEmbeddings(
  database: Database,
  profile: RegisteredProfile,
  embedded: readonly EmbeddedChunk[],
): Promise<number[]> {
  if (embedded.length === 0) return [];
  return await storeVectors(
    database,
    profile,
    sql`
      select ${encodeInt8Array(embedded.map((chunk) => chunk.chunkId))}::bigint[] as chunk_ids,
        ${encodeByteaArray(embedded.map((chunk) => chunk.contentHash))}::bytea[] as content_hashes,
        ${encodeHalfvecArray(
          embedded.map((chunk) => chunk.vector),
          await halfvecOid(database),
        )}::halfvec[] as embeddings,
        ${encodeInt4Array(embedded.map((chunk) => chunk.tokenCount))}::int[] as token_counts,
        ${encodeInt4Array(embedded.map((chunk) => chunk.truncatedTokens))}::int[] as truncated_tokens`,
  );
}

/**
 * Stores the vectors that `input` selects, as `upsertEmbeddings` does, and returns the written ids. The work is done by one
 * function of the database, `store_vectors`, because it checks the chunks twice and needs a fresh snapshot for the second
 * check.
 * @param input One row of arrays: `chunk_ids, content_hashes, embeddings, token_counts, truncated_tokens`, with each chunk at
 * most once.
 */
export async function storeVectors(database: Database, profile: RegisteredProfile, input: SQL): Promise<number[]> {
  const statement = sql`
    select stored.chunk_id from (${input}) input
    cross join lateral reembed.store_vectors(
      ${profile.name}, ${profile.relation}, ${profile.revision},
      input.chunk_ids, input.content_hashes, input.embeddings, input.token_counts, input.truncated_tokens
    ) stored (chunk_id)`;
  const { rows } = await repeatOnConflict(() => database.execute<{ chunk_id: string }>(statement));
  return rows.map((row) => Number(row.chunk_id));
}

const halfvecOids = new WeakMap<Database, Promise<number>>();

function halfvecOid(database: Database): Promise<number> {
  let oid = halfvecOids.get(database);
  if (oid === undefined) {
    oid = database
      .execute<{ oid: number }>(sql`select 'halfvec'::regtype::oid::int as oid`)
      .then(({ rows }) => rows[0]?.oid ?? 0);
    oid.catch(() => halfvecOids.delete(database));
    halfvecOids.set(database, oid);
  }
  return oid;
}
