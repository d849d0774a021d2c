import type { Database } from "@reembed/store/database";
import type { RegisteredProfile } from "@reembed/store/profiles";
import { readCoverage } from "@reembed/store/progress";
import { sql } from "drizzle-orm";

/** The final state of a profile, determined from the texts and vectors themselves. */
export interface Verdict {
  chunks: number;
  embedded: number;
  quarantined: number;
  /** Chunks with neither a vector nor a quarantine reason for their present text. */
  missing: number;
  /** Vectors of another text than their chunk's, or without a chunk. */
  wrong: number;
}

export async function verify(database: Database, profile: RegisteredProfile): Promise<Verdict> {
  const { chunks, embedded, quarantined } = await readCoverage(database, profile);
  const { rows } = await database.execute<{ missing: number; wrong: number }>(sql`
    with chunks as (
      select id, sha256(convert_to(content, 'UTF8')) as hash from ${sql.raw(profile.relation)} c
    ), vectors as (
      select chunk_id, content_hash from reembed.chunk_embeddings where profile = ${profile.name}
    ), reasons as (
      select chunk_id, content_hash from reembed.quarantined_chunks where profile = ${profile.name}
    )
    select
      (select count(*)::int from chunks c where (
        select count(*) from (select * from vectors union all select * from reasons) kept
        where kept.chunk_id = c.id and kept.content_hash = c.hash) <> 1) as missing,
      (select count(*)::int from vectors v left join chunks c on c.id = v.chunk_id
        where c.hash is distinct from v.content_hash) as wrong`);
  const { missing = -1, wrong = -1 } = rows[0] ?? {};
  return { chunks, embedded, quarantined, missing, wrong };
}
