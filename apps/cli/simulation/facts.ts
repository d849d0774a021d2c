import { type RegisteredProfile, readProfile } from "@reembed/store/profiles";
import { chunkCount, vectorCount } from "@reembed/store/progress";
import { sql } from "drizzle-orm";
import { prepared } from "./prepared.ts";
import type { Stage } from "./world.ts";

/** What the tables say about one chunk, or about the remains of a deleted one. */
export interface ChunkFacts {
  id: number;
  /** Null if the chunk does not exist. */
  content: string | null;
  /** sha256 of the content, in hexadecimal. */
  hash: string | null;
  /** The stored vector: the hash of its text, and the dimension that is 1. */
  vector: { hash: string; dimension: number } | null;
  quarantine: { hash: string; reason: string; detail: string } | null;
  /** Whether the changes or the triggers' log say that it was written and not embedded since. */
  waits: boolean;
  /** Attempts of its change, if it has one. */
  attempts: number | null;
}

export interface Facts {
  profile: RegisteredProfile;
  chunks: ChunkFacts[];
  /** Numbers of chunks and of vectors as `status` shows them, which are sums of stored counts. */
  counts: { chunks: number; vectors: number };
}

/** Reads everything that is stored of a profile; the chunks in one snapshot. */
export async function readFacts({ corpus, profile: { name } }: Stage): Promise<Facts> {
  const { database } = corpus;
  const profile = await readProfile(database, name);
  const { rows } = await database.$client.query(
    prepared({
      text: `
        select coalesce(c.id, e.chunk_id, q.chunk_id, ch.chunk_id)::int as id, c.content,
          encode(sha256(convert_to(c.content, 'UTF8')), 'hex') as hash,
          encode(e.content_hash, 'hex') as vector_hash, e.dimension,
          encode(q.content_hash, 'hex') as quarantine_hash, q.reason, q.detail, ch.attempts,
          ch.attempts is not null or exists (
            select from reembed.change_log l
            where l.chunk_id = coalesce(c.id, e.chunk_id, q.chunk_id) or l.chunk_id is null) as waits
        from ${profile.relation} c
        full join (
          select chunk_id, content_hash,
            (select n from generate_series(1, vector_dims(embedding)) n
             where (embedding::vector::real[])[n] > 0.5 limit 1) - 1 as dimension
          from reembed.chunk_embeddings where profile = $1
        ) e on e.chunk_id = c.id
        full join (select * from reembed.quarantined_chunks where profile = $1) q
          on q.chunk_id = coalesce(c.id, e.chunk_id)
        full join (select * from reembed.chunk_changes where profile = $1) ch
          on ch.chunk_id = coalesce(c.id, e.chunk_id, q.chunk_id)
        order by 1`,
    }),
    [name],
  );
  const counted = await database.execute<{ chunks: string; vectors: string }>(
    sql`select ${chunkCount(profile)} as chunks, ${vectorCount(profile)} as vectors`,
  );
  const counts = { chunks: Number(counted.rows[0]?.chunks), vectors: Number(counted.rows[0]?.vectors) };
  const chunks = rows.map((row) => ({
    id: row.id,
    content: row.content,
    hash: row.hash,
    vector: row.vector_hash === null ? null : { hash: row.vector_hash, dimension: row.dimension },
    quarantine:
      row.quarantine_hash === null ? null : { hash: row.quarantine_hash, reason: row.reason, detail: row.detail },
    waits: row.waits,
    attempts: row.attempts,
  }));
  return { profile, chunks, counts };
}
