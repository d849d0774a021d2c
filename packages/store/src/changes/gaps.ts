import { sql } from "drizzle-orm";
import type { Database } from "../database/database.ts";
import type { RegisteredProfile } from "../profiles/profiles.ts";

/**
 * Whether there is a change of a chunk of the backfill that has neither vector nor quarantine: a gap that `recordGaps`
 * has found. Reads the changes and not the corpus.
 */
export async function hasGapsInHand(database: Database, profile: RegisteredProfile): Promise<boolean> {
  const { rows } = await database.execute(sql`
    select from reembed.chunk_changes ch
    join ${sql.raw(profile.relation)} c on c.id = ch.chunk_id
    where ch.profile = ${profile.name} and ch.chunk_id <= ${profile.backfillTarget}
      and not exists (select from reembed.chunk_embeddings e where e.profile = ${profile.name} and e.chunk_id = ch.chunk_id)
      and not exists (select from reembed.quarantined_chunks q where q.profile = ${profile.name} and q.chunk_id = ch.chunk_id)
    limit 1`);
  return rows.length > 0;
}

/**
 * Finds chunks with neither vector, quarantine nor change, and records each as a change, so that it is enqueued as usual.
 * Reads the whole chunking, so it must only run when the backfill has reached its target and none of its batches is queued.
 * Returns the number of gaps.
 */
export async function recordGaps(database: Database, profile: RegisteredProfile): Promise<number> {
  const { rowCount } = await database.execute(sql`
    insert into reembed.chunk_changes (profile, chunk_id)
    select ${profile.name}, c.id from ${sql.raw(profile.relation)} c
    where not exists (select from reembed.chunk_embeddings e where e.profile = ${profile.name} and e.chunk_id = c.id)
      and not exists (select from reembed.quarantined_chunks q where q.profile = ${profile.name} and q.chunk_id = c.id)
    on conflict do nothing`);
  return rowCount ?? 0;
}
