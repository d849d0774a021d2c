import { type SQL, sql } from "drizzle-orm";
import { mayAllHaveChanged, waitingChanges } from "../changes/change-log.ts";
import type { Database, Queryable } from "../database/database.ts";
import type { RegisteredProfile } from "../profiles/profiles.ts";
import { embeddingsPartition } from "../schema/relations.ts";
import { allChunks, allVectors, chunkCount, vectorCount } from "./block-counts.ts";

/** A profile's progress. `chunks` = `embedded` + `pending` + `quarantined`. */
export interface Coverage {
  chunks: number;
  /** Chunks with a vector of their present text. */
  embedded: number;
  pending: number;
  /** Those of the pending chunks that were inserted or edited since the backfill began, or were found missing by it. */
  changes: number;
  /** Vectors of an older text, which wait to be removed or replaced. Until then the chunk is found by its older text. */
  outdated: number;
  /** The age of the oldest change in seconds, which shows how fresh the answers are. Null without changes. */
  oldestChangeSeconds: number | null;
  quarantined: number;
  /** embedded / chunks; 0 without chunks, because an empty corpus is not complete. */
  coverage: number;
}

/**
 * How far a profile is: its vectors against its chunks, minus what waits. Both are sums of stored counts, in which only blocks
 * are counted that have changed since, so it takes as long for a hundred million chunks as for a million. Hashing every text
 * is left to verification.
 */
export function readCoverage(database: Database, profile: RegisteredProfile): Promise<Coverage> {
  return combine(database, profile, { chunks: chunkCount(profile), vectors: vectorCount(profile) });
}

/** The same counted from the tables, whatever has been done to them without their triggers. */
export function countCoverage(database: Database, profile: RegisteredProfile): Promise<Coverage> {
  return combine(database, profile, { chunks: allChunks(profile), vectors: allVectors(profile) });
}

async function combine(
  database: Database,
  profile: RegisteredProfile,
  counts: { chunks: SQL; vectors: SQL },
): Promise<Coverage> {
  const vectors = sql.raw(embeddingsPartition(profile.name));
  const { rows } = await database.execute<
    Record<"chunks" | "vectors" | "outdated" | "changes" | "quarantined", string> & { oldest: number | null }
  >(sql`
    with waiting as materialized (
      select chunk_id, min(changed_at) as changed_at from (${waitingChanges(profile)}) waiting group by chunk_id
    ), truncated as materialized (
      select ${mayAllHaveChanged(profile)} as happened
    )
    select
      ${counts.chunks} as chunks,
      ${counts.vectors} as vectors,
      case when (select happened from truncated) then ${counts.vectors}
        else (select count(*) from waiting join ${vectors} vectors using (chunk_id)) end as outdated,
      (select count(*) from waiting where changed_at is not null) as changes,
      (select extract(epoch from clock_timestamp() - min(changed_at))::float8 from waiting) as oldest,
      case when (select happened from truncated) then 0 else
        (select count(*) from reembed.quarantined_chunks where profile = ${profile.name})
          - (select count(*) from waiting join reembed.quarantined_chunks q using (chunk_id)
             where q.profile = ${profile.name}) end as quarantined`);
  const chunks = Number(rows[0]?.chunks);
  const outdated = Number(rows[0]?.outdated);
  const quarantined = Number(rows[0]?.quarantined);
  // If rows were deleted and no trigger recorded it, vectors of them may still exist.
  const embedded = Math.max(0, Math.min(Number(rows[0]?.vectors) - outdated, chunks - quarantined));
  const oldest = rows[0]?.oldest;
  return {
    chunks,
    embedded,
    pending: Math.max(0, chunks - embedded - quarantined),
    changes: Number(rows[0]?.changes),
    outdated,
    oldestChangeSeconds: typeof oldest === "number" ? Math.max(0, Math.round(10 * oldest) / 10) : null,
    quarantined,
    coverage: chunks === 0 ? 0 : embedded / chunks,
  };
}

/**
 * Chunks of a backfilled profile that have neither a vector nor a change, as after a partition was truncated or restored. A
 * change is written in the transaction that makes a vector necessary, so a live corpus never has such chunks.
 */
export function countLost({ pending, changes }: Pick<Coverage, "pending" | "changes">): number {
  return Math.max(0, pending - changes);
}

/**
 * Share of the chunks with a vector, of those up to the newest that has one: later chunks have lost nothing. To be read
 * before a backfill starts again, because from then on the newest vector is not the newest that ever was.
 */
export async function readRemainingShare(database: Queryable, profile: RegisteredProfile): Promise<number> {
  const { rows } = await database.execute<{ share: number }>(sql`
    select stored.vectors::float8 / greatest(1, (
      select count(*) from ${sql.raw(profile.relation)} c where id <= stored.newest
    )) as share
    from (select count(*) as vectors, max(chunk_id) as newest from ${sql.raw(embeddingsPartition(profile.name))} e) stored`);
  return rows[0]?.share ?? 0;
}

/** Numbers of quarantined chunks by reason. */
export async function readQuarantineReasons(
  database: Database,
  profile: RegisteredProfile,
): Promise<{ reason: string; chunks: number }[]> {
  const { rows } = await database.execute<{ reason: string; chunks: string }>(sql`
    select reason, count(*) as chunks from reembed.quarantined_chunks
    where profile = ${profile.name} group by reason order by count(*) desc, reason`);
  return rows.map((row) => ({ reason: row.reason, chunks: Number(row.chunks) }));
}
