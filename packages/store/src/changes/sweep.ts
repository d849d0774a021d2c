import { beforeFirstId } from "@reembed/core";
import { sql } from "drizzle-orm";
import { chunkIds } from "../adoption/adopted-relation.ts";
import { numberBlock } from "../adoption/row-numbers.ts";
import type { Database } from "../database/database.ts";
import type { RegisteredProfile } from "../profiles/profiles.ts";
import { markAll } from "../progress/block-counts.ts";
import { mayAllHaveChanged } from "./change-log.ts";
import { checkRows } from "./failing-rows.ts";

/** Chunks per call. Their texts are hashed, which takes some tens of milliseconds. */
export const sweptPerTick = 1_000;
/** Pause between two rounds, so that a small corpus is not hashed in every tick. */
const roundEveryMs = 60_000;

export interface SweepOptions {
  chunks?: number | undefined;
  everyMs?: number | undefined;
}

/**
 * Checks the next block of a profile's ids for changes that no trigger recorded, because triggers do not fire for logical
 * replication or while they are disabled. Logs them as a trigger would: chunks whose vector or quarantine belongs to another
 * text, vectors and quarantines without a chunk, and chunks with neither that no backfill will reach. Rows of an adopted
 * table on which an expression fails are set aside first.
 *
 * A change that is already waiting keeps its attempts. Text, vector and change are read in one snapshot, so that an edit
 * that a trigger recorded is never found again. The position is stored last: after a crash before that, the block is checked
 * again. Returns the number of chunks that were logged.
 */
export async function sweepBlock(
  database: Database,
  profile: RegisteredProfile,
  { chunks = sweptPerTick, everyMs = roundEveryMs }: SweepOptions = {},
): Promise<number> {
  const { rows } = await database.execute<{ position: string | null; key: string | null; resting: boolean }>(sql`
    select position, key, position is null and ended_at between now() - ${everyMs} * interval '1 millisecond' and now() as resting
    from reembed.sweeps where profile = ${profile.name}`);
  if (rows[0]?.resting) return 0;
  // A row without a number is not among the chunks. With a number it is one without a vector, at the end of their ids.
  const key = profile.source?.numbered
    ? await numberUnknown(database, profile, rows[0]?.key ?? undefined, chunks)
    : null;
  const from = rows[0]?.position ?? `${beforeFirstId}`;
  const block = await database.execute<{ last: string | null; ids: string[] | null }>(sql`
    select max(id) as last, array_agg(id::text) as ids from (
      select id from ${sql.raw(chunkIds(profile))} c where id > ${from}::bigint order by id limit ${chunks}
    ) block`);
  const ids = block.rows[0]?.ids ?? [];
  if (profile.source !== null) await checkRows(database, profile.chunking, sql.param(ids));
  const isLast = ids.length < chunks;
  const to = isLast ? greatestId : (block.rows[0]?.last ?? greatestId);
  const found = await logMissed(database, profile, from, to);
  // Of what has come and gone without a trigger, and without a trace, the stored counts know nothing.
  if (isLast) await markAll(database, profile);
  await database.execute(sql`
    insert into reembed.sweeps (profile, position, key, ended_at)
    values (${profile.name}, ${isLast ? null : to}::bigint, ${key}, ${isLast ? sql`now()` : null})
    on conflict (profile) do update set
      position = excluded.position, key = excluded.key, ended_at = coalesce(excluded.ended_at, sweeps.ended_at)`);
  return found;
}

/** Numbers the rows of the next block of keys that have none; returns the last key, null at the end. */
async function numberUnknown(
  database: Database,
  { chunking, source }: RegisteredProfile,
  after: string | undefined,
  limit: number,
): Promise<string | null> {
  if (source === null) return null;
  return await numberBlock(database, chunking, source, { after, limit });
}

const greatestId = "9223372036854775807";

/**
 * Also logs the document of an adopted chunk, which must be cut again. LIMIT makes each join an index lookup. The chunks of the
 * block are read once, and hashed, because IN is no join here: the planner expects other numbers of rows.
 */
async function logMissed(
  database: Database,
  { name, chunking, relation, source, state, backfillTarget }: RegisteredProfile,
  from: string,
  to: string,
): Promise<number> {
  const chunks = sql.raw(relation);
  const within = sql`chunk_id > ${from}::bigint and chunk_id <= ${to}::bigint`;
  const documents =
    source === null
      ? sql`select`
      : sql`
        select reembed.note_document(key) from (
          select coalesce(c.source_document::text, '') as key from logged join ${chunks} c on c.id = logged.chunk_id
          union
          select d.source_key from logged join reembed.chunk_offsets o on o.chunk_id = logged.chunk_id
          join reembed.documents d on d.id = o.document_id
          where o.chunking = ${chunking} and d.source_key is not null
        ) documents`;
  const { rows } = await database.execute<{ found: string }>(sql`
    with present as materialized (
      select id, sha256(convert_to(content, 'UTF8')) as content_hash from ${chunks} chunk
      where id > ${from}::bigint and id <= ${to}::bigint
    ), missed as (
      select c.id as chunk_id
      from present c
      left join lateral (
        select content_hash from reembed.chunk_embeddings where profile = ${name} and chunk_id = c.id limit 1
      ) e on true
      left join lateral (
        select content_hash from reembed.quarantined_chunks where profile = ${name} and chunk_id = c.id limit 1
      ) q on true
      where case
        when e.content_hash is not null then e.content_hash <> c.content_hash
        when q.content_hash is not null then q.content_hash <> c.content_hash
        else ${state === "backfilled"} or c.id > ${backfillTarget} end
      union all
      select stored.chunk_id from (
        select chunk_id from reembed.chunk_embeddings where profile = ${name} and ${within}
        union select chunk_id from reembed.quarantined_chunks where profile = ${name} and ${within}
        union select id from reembed.chunk_keys
          where chunking = ${chunking} and id > ${from}::bigint and id <= ${to}::bigint
      ) stored
      where (chunk_id in (select id from present)) is not true
    ), logged as (
      insert into reembed.change_log (chunking, chunk_id)
      select ${chunking}, m.chunk_id from missed m
      where not exists (
          select from reembed.chunk_changes ch where ch.profile = ${name} and ch.chunk_id = m.chunk_id)
        and m.chunk_id not in (
          select chunk_id from reembed.logged_changes where chunking = ${chunking})
        and not (${mayAllHaveChanged({ chunking })})
      returning chunk_id
    ), noted as (${documents})
    select count(*) as found, (select count(*) from noted) as noted from logged`);
  return Number(rows[0]?.found);
}
