import { type SQL, sql } from "drizzle-orm";
import { encodeByteaArray, encodeHalfvecArray, encodeInt4Array, encodeInt8Array } from "./binary-array.ts";
import type { Database } from "./database.ts";
import type { RegisteredProfile } from "./profiles.ts";
import { repeatOnConflict } from "./repeat-on-conflict.ts";

/** A vector and the text that it was computed from. */
export interface EmbeddedChunk {
  chunkId: number;
  /** sha256 of the text in UTF-8, 32 bytes. */
  contentHash: Buffer;
  vector: Float32Array;
  tokenCount: number;
  truncatedTokens: number;
}

/**
 * Stores vectors whose chunk still has the text that they were computed from, and settles the changes and quarantines
 * of these chunks. Returns the ids that were written; the others were stale.
 *
 * The share lock makes the statement wait for an edit in flight and look at the text again: without it an edit that
 * commits meanwhile would leave the old text's vector stored and no change recorded. The locks are taken in the order
 * of ids: unordered, overlapping batches deadlocked 28 times of 40; ordered, never. An edit that locks several chunks
 * in another order can still deadlock with it, which repeats the statement.
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
      select * from unnest(
        ${encodeInt8Array(embedded.map((chunk) => chunk.chunkId))}::bigint[],
        ${encodeByteaArray(embedded.map((chunk) => chunk.contentHash))}::bytea[],
        ${encodeHalfvecArray(
          embedded.map((chunk) => chunk.vector),
          await halfvecOid(database),
        )}::halfvec[],
        ${encodeInt4Array(embedded.map((chunk) => chunk.tokenCount))}::int[],
        ${encodeInt4Array(embedded.map((chunk) => chunk.truncatedTokens))}::int[]
      ) as input (chunk_id, content_hash, embedding, token_count, truncated_tokens)`,
  );
}

/**
 * Stores the vectors that `input` selects, under the guard of `upsertEmbeddings`, and returns the ids that were written.
 * @param input Rows of `chunk_id, content_hash, embedding, token_count, truncated_tokens`, one of a chunk at most.
 */
export async function storeVectors(database: Database, profile: RegisteredProfile, input: SQL): Promise<number[]> {
  const statement = sql`
    with input as (${input}), unchanged as (
      select input.* from input
      join ${sql.raw(profile.relation)} c on c.id = input.chunk_id
      where sha256(convert_to(c.content, 'UTF8')) = input.content_hash
      order by c.id
      for share of c
    ), written as (
      insert into reembed.chunk_embeddings
        (profile, chunk_id, content_hash, embedding, token_count, truncated_tokens, model_revision)
      select ${profile.name}, chunk_id, content_hash, embedding, token_count, truncated_tokens, ${profile.revision}
      from unchanged
      on conflict (profile, chunk_id) do update set
        content_hash = excluded.content_hash, embedding = excluded.embedding, token_count = excluded.token_count,
        truncated_tokens = excluded.truncated_tokens, model_revision = excluded.model_revision, embedded_at = now()
      returning chunk_id
    ), settled as (
      delete from reembed.chunk_changes using written
      where chunk_changes.profile = ${profile.name} and chunk_changes.chunk_id = written.chunk_id
    ), released as (
      delete from reembed.quarantined_chunks using written
      where quarantined_chunks.profile = ${profile.name} and quarantined_chunks.chunk_id = written.chunk_id
    )
    select chunk_id from written`;
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
