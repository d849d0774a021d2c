import { sql } from "drizzle-orm";
import type { Database } from "../src/database/database.ts";
import type { RegisteredProfile } from "../src/profiles/profiles.ts";

/** Vectors and quarantines of another text than the present one, or without a chunk, for which no change waits. */
export async function findUnguarded(
  database: Database,
  { name, chunking, relation }: RegisteredProfile,
): Promise<unknown[]> {
  const { rows } = await database.execute(sql`
    select stored.chunk_id, c.content from (
      select chunk_id, content_hash from reembed.chunk_embeddings where profile = ${name}
      union all select chunk_id, content_hash from reembed.quarantined_chunks where profile = ${name}
    ) stored
    left join ${sql.raw(relation)} c on c.id = stored.chunk_id
    where sha256(convert_to(c.content, 'UTF8')) is distinct from stored.content_hash
      and not exists (select from reembed.chunk_changes ch where ch.profile = ${name} and ch.chunk_id = stored.chunk_id)
      and not exists (
        select from reembed.logged_changes l where l.chunking = ${chunking} and l.chunk_id = stored.chunk_id)
      and not exists (
        select from reembed.change_log l where l.chunking = ${chunking} and l.chunk_id is null and l.key is null)`);
  return rows;
}

/** The ids of a profile's chunks. */
export async function idsOf(database: Database, { relation }: RegisteredProfile): Promise<number[]> {
  const { rows } = await database.execute<{ id: string }>(sql`select id from ${sql.raw(relation)} c order by id`);
  return rows.map((row) => Number(row.id));
}
