import { sql } from "drizzle-orm";
import type { Database } from "../database/database.ts";
import { type RegisteredProfile, readProfiles } from "../profiles/profiles.ts";

const demand = { days: 7, events: 20_000, results: 50_000, prioritised: 10_000 } as const;

/**
 * Ranks the chunks without a vector by how much they overlap the texts that searches of the last week have found, with
 * any profile. Prioritises the first of them: at most ten thousand, and at most the share `until` of all chunks. Reads the
 * last twenty thousand searches of each profile, and the fifty thousand chunks that they found most often.
 * Returns the number of prioritised chunks.
 */
export async function prioritiseSearchedChunks(database: Database, profile: RegisteredProfile): Promise<number> {
  const found = (await readProfiles(database)).map(
    ({ name, relation }) => sql`
      select s.document_id, s.start_offset, s.end_offset, hits.hits from (
        select chunk_id, count(*) as hits from (
          select unnest(chunk_ids) as chunk_id from (
            select chunk_ids from reembed.search_events
            where profile = ${name} and searched_at > now() - ${demand.days} * interval '1 day'
            order by searched_at desc limit ${demand.events}
          ) recent
        ) found group by chunk_id order by hits desc, chunk_id limit ${demand.results}
      ) hits join ${sql.raw(relation)} s on s.id = hits.chunk_id`,
  );
  const relation = sql.raw(profile.relation);
  const { rowCount } = await database.execute(sql`
    insert into reembed.chunk_changes (profile, chunk_id, priority)
    select ${profile.name}, id, row_number() over (order by demand desc, id)
    from (
      select c.id, sum(
        found.hits * (least(c.end_offset, found.end_offset) - greatest(c.start_offset, found.start_offset))::float8
          / greatest(1, found.end_offset - found.start_offset)
      ) as demand
      from (${sql.join(found, sql` union all `)}) found
      join ${relation} c on c.document_id = found.document_id
        and c.start_offset < found.end_offset and c.end_offset > found.start_offset
      where not exists (select from reembed.chunk_embeddings e where e.profile = ${profile.name} and e.chunk_id = c.id)
        and not exists (select from reembed.quarantined_chunks q where q.profile = ${profile.name} and q.chunk_id = c.id)
      group by c.id
    ) demanded
    order by demand desc, id
    limit least(${demand.prioritised},
      (select floor(count(*) * coalesce(${profile.backfillUntil}::float8, 1)) from ${relation} c)::bigint)
    on conflict do nothing`);
  return rowCount ?? 0;
}

/** Ends the priority of all prioritised chunks. Call it when none of them is in the queue. */
export async function forgetPriorities(database: Database, profile: RegisteredProfile): Promise<void> {
  await database.execute(
    sql`delete from reembed.chunk_changes where profile = ${profile.name} and priority is not null`,
  );
}
