import { sql } from "drizzle-orm";
import { lockChanges, waitingChanges } from "../changes/change-log.ts";
import type { Database } from "../database/database.ts";
import type { VectorOfText } from "../embeddings/read-vectors.ts";
import { type RegisteredProfile, readProfile } from "../profiles/profiles.ts";
import type { AdoptedSource } from "../schema/corpus.ts";
import { adoptedChunks, chunkIds } from "./adopted-relation.ts";
import { leading } from "./leading-dimensions.ts";

/** How many rows are drawn at most for one that has a text and a vector. */
const drawnForOne = 4;

/**
 * Up to `size` random texts with their vectors from an application's table; those are left out that are blank, or on which the
 * expression of the text fails.
 */
export async function sampleSource(
  database: Database,
  { table, content, embedding, where }: AdoptedSource,
  { size, dimensions }: { size: number; dimensions: number },
): Promise<VectorOfText[]> {
  const { rows: counted } = await database.execute<{ count: string }>(sql`select count(*) from ${sql.raw(table)}`);
  const share = Math.min(100, (100 * drawnForOne * size) / Math.max(1, Number(counted[0]?.count)));
  const text = `select (${content})::text from ${table}`.replaceAll("%", "%%");
  const textOfRow = `${text} where tableoid = %s and ctid = %L`;
  // Rows, and not pages, because rows beside each other often belong to one document.
  const { rows } = await database.execute<{ content: string; vector: number[] }>(sql`
    select content, embedding::real[] as vector from (
      select reembed.text_unless_failing(format(${textOfRow}::text, tableoid, ctid)) as content, embedding from (
        select tableoid, ctid, ${leading(`(${embedding})`, dimensions)} as embedding
        from ${sql.raw(table)} tablesample bernoulli (${share})
        ${sql.raw(where === undefined ? "" : `where (${where})`)}
        order by random() limit ${drawnForOne * size}
      ) drawn
    ) read where embedding is not null and content ~ '\\S' limit ${size}`);
  return rows.map(({ content: read, vector }, index) => ({
    chunkId: index,
    content: read,
    vector: Float32Array.from(vector),
    adopted: true,
  }));
}

/**
 * Copies the next vectors of an adopted table after the profile's cursor, scaled to length 1 and in half precision, and
 * moves the cursor in the same transaction; those of rows that were set aside are left out. After the last vectors the backfill is at its target, and its sweep finds the
 * rest: chunks without a vector, or with a zero vector or other dimensions.
 *
 * A chunk that was written since the adoption is a change or in the log, and its vector is not copied, because it may be of
 * the old text. Both are read in one snapshot. A later deletion is logged, and vectors are not removed while some are being
 * stored.
 * @returns The number of copied vectors, the number of chunks, and the last id; undefined if there are no more.
 */
export async function copyVectors(
  database: Database,
  profileName: string,
  limit: number,
): Promise<{ copied: number; chunks: number; cursor: number } | undefined> {
  return await database.transaction(
    async (transaction) => {
      await lockChanges(transaction, "shared");
      await transaction.execute(sql`select from reembed.profiles where name = ${profileName} for update`);
      const profile = await readProfile(transaction, profileName);
      if (profile.state !== "adopting" || profile.source === null) return undefined;
      const { rows } = await transaction.execute<{ id: string }>(sql`
        select c.id from ${sql.raw(chunkIds(profile))} c
        where c.id > ${profile.backfillCursor}::bigint and c.id <= ${profile.backfillTarget}::bigint
        order by c.id limit ${limit}`);
      const last = rows.at(-1);
      const atEnd = rows.length < limit;
      const cursor = atEnd || last === undefined ? profile.backfillTarget : Number(last.id);
      const { rowCount } = await transaction.execute(insertVectors(profile, profile.source, cursor));
      await transaction.execute(sql`
        update reembed.profiles set backfill_cursor = ${cursor}, state = ${atEnd ? "backfilling" : "adopting"}
        where name = ${profileName}`);
      return { copied: rowCount ?? 0, chunks: rows.length, cursor };
    },
    { isolationLevel: "read committed" },
  );
}

/** Of the chunks after the profile's cursor, by their range: the planner would look a list of ids up in all numbers of rows. */
function insertVectors(profile: RegisteredProfile, source: AdoptedSource, last: number) {
  const page = (id: string) =>
    sql`${sql.raw(id)} > ${profile.backfillCursor}::bigint and ${sql.raw(id)} <= ${last}::bigint`;
  return sql`
    insert into reembed.chunk_embeddings
      (profile, chunk_id, content_hash, embedding, token_count, truncated_tokens, model_revision)
    select ${profile.name}, a.id, sha256(convert_to(a.content, 'UTF8')),
      l2_normalize(a.vector)::halfvec, null, null, ${profile.revision}
    from (
      select c.id, c.content, ${leading("c.source_embedding", profile.dimensions)} as vector
      from ${sql.raw(adoptedChunks(profile.chunking, source, ["embedding"]))} c
      where ${page("c.id")} and c.source_embedding is not null
    ) a
    where vector_norm(a.vector) > 0
      and a.id not in (
        select chunk_id from (${waitingChanges(profile)}) waiting where ${page("chunk_id")}
        union all select chunk_id from reembed.failing_rows where chunking = ${profile.chunking} and ${page("chunk_id")})
    on conflict (chunk_id, profile) do nothing`;
}
