import { sql } from "drizzle-orm";
import { lockChanges, waitingChanges } from "../changes/change-log.ts";
import { sampleChunks } from "../corpus/sampling.ts";
import type { Database } from "../database/database.ts";
import type { VectorOfText } from "../embeddings/read-vectors.ts";
import { type RegisteredProfile, readProfile } from "../profiles/profiles.ts";
import type { ChunkSource } from "../schema/corpus.ts";
import { quoted } from "./adoption.ts";

/** Up to `size` random texts with their vectors from an application's table; blank texts are left out. */
export async function sampleSource(database: Database, source: ChunkSource, size: number): Promise<VectorOfText[]> {
  const { table } = source;
  const [id = "", content = "", embedding = ""] = [source.id, source.content, source.embedding].map(quoted);
  const relation = `(select ${id} as id, ${content} as content from ${table}
    where ${embedding} is not null and ${content} ~ '\\S')`;
  const chunks = await sampleChunks(database, { relation }, size);
  const { rows } = await database.execute<{ id: string; vector: number[] }>(sql`
    select ${sql.raw(id)} as id, ${sql.raw(embedding)}::vector::real[] as vector from ${sql.raw(table)}
    where ${sql.raw(id)} = any(${sql.param(chunks.map((chunk) => chunk.id))}::bigint[])`);
  const vectors = new Map(rows.map((row) => [Number(row.id), Float32Array.from(row.vector)]));
  return chunks.flatMap(({ id: chunkId, content }) => {
    const vector = vectors.get(chunkId);
    return vector === undefined ? [] : [{ chunkId, content, vector, adopted: true }];
  });
}

/**
 * Copies the next vectors of an adopted table after the profile's cursor, scaled to length 1 and in half precision, and
 * moves the cursor in the same transaction. After the last vectors the backfill is at its target, and its sweep finds the
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
        select c.id from ${sql.raw(profile.relation)} c
        where c.id > ${profile.backfillCursor} and c.id <= ${profile.backfillTarget}
        order by c.id limit ${limit}`);
      const ids = rows.map((row) => Number(row.id));
      const { rowCount } = await transaction.execute(insertVectors(profile, profile.source, ids));
      const atEnd = ids.length < limit;
      const cursor = (atEnd ? undefined : ids.at(-1)) ?? profile.backfillTarget;
      await transaction.execute(sql`
        update reembed.profiles set backfill_cursor = ${cursor}, state = ${atEnd ? "backfilling" : "adopting"}
        where name = ${profileName}`);
      return { copied: rowCount ?? 0, chunks: ids.length, cursor };
    },
    { isolationLevel: "read committed" },
  );
}

function insertVectors(profile: RegisteredProfile, source: ChunkSource, ids: readonly number[]) {
  const [id, content, embedding] = [source.id, source.content, source.embedding].map((name) =>
    sql.raw(`a.${quoted(name)}`),
  );
  return sql`
    insert into reembed.chunk_embeddings
      (profile, chunk_id, content_hash, embedding, token_count, truncated_tokens, model_revision)
    select ${profile.name}, ${id}, sha256(convert_to(coalesce(${content}, ''), 'UTF8')),
      l2_normalize(${embedding}::vector)::halfvec, null, null, ${profile.revision}
    from ${sql.raw(source.table)} a
    where ${id} = any(${sql.param(ids)}::bigint[]) and ${embedding} is not null
      and vector_dims(${embedding}) = ${profile.dimensions} and vector_norm(${embedding}::vector) > 0
      and ${id} not in (
        select chunk_id from (${waitingChanges(profile)}) waiting where chunk_id = any(${sql.param(ids)}::bigint[]))
    on conflict (chunk_id, profile) do nothing`;
}
