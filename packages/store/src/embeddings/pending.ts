import { type SQL, sql } from "drizzle-orm";
import { settleChanges } from "../changes/change-log.ts";
import { settingFailingRowsAside } from "../changes/failing-rows.ts";
import type { Database } from "../database/database.ts";
import type { RegisteredProfile } from "../profiles/profiles.ts";
import { donorOf } from "./donors.ts";

/** A chunk of a batch that has no vector of its present text. */
export interface PendingChunk {
  id: number;
  content: string;
  /** sha256 of the content in UTF-8, computed by PostgreSQL. */
  contentHash: Buffer;
  /** How often a worker began to embed this change without a result; null if it is not a change. */
  attempts: number | null;
  /** Whether a chunk with the same text has a vector that `reuseEmbeddings` can copy. */
  reusable: boolean;
}

/**
 * The chunks of a batch that must be embedded, in the order of ids: those that exist and have neither a current vector nor a
 * quarantine for their present text. Changes of the other chunks, and of deleted ones, are removed, because they need no
 * work. Each text is hashed once: without `offset 0` the planner repeats the hash wherever it is compared, and a batch of 64
 * took 6.8 ms instead of 4.4. It is one statement unless there are changes to remove, because while a worker waits here its
 * model may idle.
 */
export async function readPendingChunks(
  database: Database,
  profile: RegisteredProfile,
  chunkIds: readonly number[],
): Promise<PendingChunk[]> {
  const read = () => database.execute<PendingRow>(pendingOf(profile, chunkIds));
  const { rows } = await settingFailingRowsAside(database, read, { chunking: profile.chunking, chunkIds });
  const settled = rows.filter(({ content }) => content === null).map(({ id }) => Number(id));
  if (settled.length > 0) await settleChanges(database, profile, settled);
  return rows.flatMap(({ id, content, content_hash, ...row }) =>
    content === null || content_hash === null ? [] : [{ ...row, id: Number(id), content, contentHash: content_hash }],
  );
}

type PendingRow = {
  id: string;
  content: string | null;
  content_hash: Buffer | null;
  attempts: number | null;
  reusable: boolean;
};

/**
 * LIMIT makes each join an index lookup: a table that was analysed while it was empty would be read as a whole for each of
 * an adopted table's rows with numbers, which made a batch five times as slow.
 */
function pendingOf(profile: RegisteredProfile, chunkIds: readonly number[]): SQL {
  const ofChunk = (table: string, columns: string) => sql`left join lateral (
      select ${sql.raw(columns)} from reembed.${sql.raw(table)} where profile = ${profile.name} and chunk_id = c.id limit 1
    )`;
  return sql`
    select c.id, case when pending then c.content end as content, hashed.content_hash, ch.attempts,
      donor.embedding is not null as reusable
    from ${sql.raw(profile.relation)} c
    cross join lateral (select sha256(convert_to(c.content, 'UTF8')) as content_hash offset 0) hashed
    ${ofChunk("chunk_embeddings", "content_hash")} e on true
    ${ofChunk("quarantined_chunks", "content_hash")} q on true
    ${ofChunk("chunk_changes", "chunk_id, attempts")} ch on true
    cross join lateral (
      select e.content_hash is distinct from hashed.content_hash
        and q.content_hash is distinct from hashed.content_hash as pending
    ) state
    left join lateral (${donorOf(profile, sql`hashed.content_hash`)}) donor on pending
    where c.id = any(${sql.param(chunkIds)}::bigint[])
      and (pending or ch.chunk_id is not null)
    union all
    select ch.chunk_id, null, null, null, false from reembed.chunk_changes ch
    where ch.profile = ${profile.name} and ch.chunk_id = any(${sql.param(chunkIds)}::bigint[])
      and not exists (select from ${sql.raw(profile.relation)} c where c.id = ch.chunk_id)
    order by 1`;
}
