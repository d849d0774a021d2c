import { beforeFirstId } from "@reembed/core";
import { type SQL, sql } from "drizzle-orm";
import { mayAllHaveChanged, waitingChanges } from "../changes/change-log.ts";
import type { Database } from "../database/database.ts";
import type { RegisteredProfile } from "../profiles/profiles.ts";
import { embeddingsPartition } from "../schema/relations.ts";

/**
 * The result of checking a chunk's vector. `changing`: the text was written a moment ago and its change waits. `pending`:
 * there is no vector of the present text, and it will be embedded. `missing`: there is none, and nothing will embed it. All
 * states from `old_text` on are defects.
 */
export type VectorState =
  | "current"
  | "changing"
  | "pending"
  | "missing"
  | "quarantined"
  | "old_text"
  | "other_revision"
  | "wrong_dimensions"
  | "wrong_norm";

/** The number of chunks in one state, with the first ids. */
export interface CheckedChunks {
  state: VectorState;
  chunks: number;
  firstIds: number[];
  /** For `changing`, the age of the oldest change. */
  oldestSeconds: number | null;
}

export const shownIds = 20;
const pageChunks = 5_000;

/**
 * Checks every chunk of a profile and its vector, a page of ids at a time: no statement keeps a snapshot for long, and within
 * a page text, vector and change are from the same moment. LIMIT makes each join an index lookup: without it PostgreSQL hashes
 * all vectors of the profile for each page. The text is hashed and the vector's length computed; an adopted vector may have
 * any length except zero, because the cosine does not depend on it.
 */
export async function* checkVectors(
  database: Database,
  profile: RegisteredProfile,
): AsyncGenerator<{ checked: CheckedChunks[] }> {
  for (let after = beforeFirstId; ; ) {
    const { rows } = await database.execute<
      Record<"chunks" | "last", string> & { state: VectorState; first_ids: string[]; oldest: number | null }
    >(sql`
      with logged as materialized (
        select l.chunk_id, min(l.changed_at) as changed_at
        from reembed.logged_changes l join reembed.profiles p on p.chunking = l.chunking
        where p.name = ${profile.name} and p.state <> 'registered' group by l.chunk_id
      )
      select state, count(*) as chunks, (array_agg(id order by id))[1:${sql.raw(`${shownIds}`)}] as first_ids, max(id) as last,
        extract(epoch from clock_timestamp() - min(changed_at))::float8 as oldest
      from (
        select c.id, ch.changed_at, case
          when e.content_hash is distinct from c.content_hash then case
            when q.content_hash = c.content_hash then 'quarantined'
            when ch.changed_at is not null and (e.chunk_id is not null or ${profile.state === "backfilled"}) then 'changing'
            when recorded.chunk_id is not null or l.chunk_id is not null then 'pending'
            when e.chunk_id is not null then 'old_text'
            when ${profile.state === "backfilled"} then 'missing'
            else 'pending'
          end
          when e.model_revision <> ${profile.revision} then 'other_revision'
          when vector_dims(e.embedding) <> ${profile.dimensions} then 'wrong_dimensions'
          when l2_norm(e.embedding) between 0.99 and 1.01 then 'current'
          when e.token_count is null and l2_norm(e.embedding) > 0 then 'current'
          else 'wrong_norm'
        end as state
        from (
          select id, sha256(convert_to(content, 'UTF8')) as content_hash from ${sql.raw(profile.relation)} chunk
          where id > ${after}::bigint order by id limit ${pageChunks}
        ) c
        left join lateral (
          select * from reembed.chunk_embeddings where profile = ${profile.name} and chunk_id = c.id limit 1
        ) e on true
        left join lateral (
          select content_hash from reembed.quarantined_chunks where profile = ${profile.name} and chunk_id = c.id limit 1
        ) q on true
        left join lateral (
          select chunk_id, changed_at, priority from reembed.chunk_changes where profile = ${profile.name} and chunk_id = c.id limit 1
        ) recorded on true
        left join logged l on l.chunk_id = c.id
        cross join lateral (select least(case when recorded.priority is null then recorded.changed_at end, l.changed_at) as changed_at) ch
      ) checked
      group by state`);
    if (rows.length === 0) return;
    const numbered = rows.map(({ state, chunks, first_ids, oldest }) => ({
      state,
      oldestSeconds: state === "changing" && oldest !== null ? Math.max(0, Math.round(10 * oldest) / 10) : null,
      chunks: Number(chunks),
      firstIds: first_ids.map(Number),
    }));
    yield { checked: numbered };
    after = Math.max(...rows.map((row) => Number(row.last)));
  }
}

/** Vectors without a chunk for which no removal waits, a page of ids at a time: no statement keeps a snapshot for long. */
export async function findOrphans(
  database: Database,
  profile: RegisteredProfile,
  { pageSize = 20_000 }: { pageSize?: number } = {},
): Promise<{ vectors: number; firstIds: number[] }> {
  const found = { vectors: 0, firstIds: [] as number[] };
  for (let after = beforeFirstId; ; ) {
    const inPage = (id: SQL) => sql`${id} > ${after}::bigint and ${id} <= (select max(chunk_id) from page)`;
    const { rows } = await database.execute<{ last: string | null; orphans: string; first_ids: string[] | null }>(sql`
      with page as materialized (
        select chunk_id from ${sql.raw(embeddingsPartition(profile.name))} where chunk_id > ${after}
        order by chunk_id limit ${pageSize}
      ), orphans as (
        select * from (
          select chunk_id from page
          except select c.id from ${sql.raw(profile.relation)} c where ${inPage(sql`c.id`)}
          except select w.chunk_id from (${waitingChanges(profile)}) w where ${inPage(sql`w.chunk_id`)}
        ) lost where not ${mayAllHaveChanged(profile)}
      )
      select (select max(chunk_id) from page) as last, count(*) as orphans,
        (array_agg(chunk_id order by chunk_id))[1:${sql.raw(`${shownIds}`)}] as first_ids from orphans`);
    const [page] = rows;
    if (page === undefined || page.last === null) return found;
    found.vectors += Number(page.orphans);
    found.firstIds.push(...(page.first_ids ?? []).map(Number).slice(0, shownIds - found.firstIds.length));
    after = Number(page.last);
  }
}
