import { sql } from "drizzle-orm";
import { waitingChanges, wasTruncated } from "../changes/change-log.ts";
import { prioritisedFrom } from "../changes/changes.ts";
import type { Database } from "../database/database.ts";
import type { RegisteredProfile } from "../profiles/profiles.ts";
import { embeddingsPartition } from "../schema/relations.ts";

/** How far a profile is. `chunks` = `embedded` + `pending` + `quarantined`. */
export interface Coverage {
  chunks: number;
  /** Chunks with a vector of their present text. */
  embedded: number;
  pending: number;
  /** Of the pending: inserted or edited since the backfill began, or found missing by it. */
  changes: number;
  /** Vectors that wait for their removal or for another one: of an older text, by which a chunk is found until then. */
  outdated: number;
  /** How long the oldest of the changes waits by now, in seconds: how fresh the answers are. Null without one. */
  oldestChangeSeconds: number | null;
  quarantined: number;
  /** embedded / chunks; 0 without chunks: an empty corpus is not a finished one. */
  coverage: number;
}

/**
 * Counted from the tables: rows of the profile's vectors over rows of its chunks, less what waits. Hashing every text takes
 * seconds and belongs to a verification. The partition itself is counted, not the table where the profile is this one:
 * a condition on every row of the index took 125 ms of CPU for a million, none takes 76; a million chunks take 56.
 */
export async function readCoverage(database: Database, profile: RegisteredProfile): Promise<Coverage> {
  const vectors = sql.raw(embeddingsPartition(profile.name));
  const { rows } = await database.execute<
    Record<"chunks" | "vectors" | "outdated" | "changes" | "quarantined", string> & { oldest: number | null }
  >(sql`
    with waiting as materialized (
      select chunk_id, min(changed_at) as changed_at from (${waitingChanges(profile)}) waiting group by chunk_id
    ), truncated as materialized (
      select ${wasTruncated(profile)} as happened
    )
    select
      (select count(*) from ${sql.raw(profile.relation)}) as chunks,
      (select count(*) from ${vectors} vectors) as vectors,
      case when (select happened from truncated) then (select count(*) from ${vectors} vectors)
        else (select count(*) from waiting join ${vectors} vectors using (chunk_id)) end as outdated,
      (select count(*) from waiting where changed_at < ${prioritisedFrom}) as changes,
      (select extract(epoch from clock_timestamp() - min(changed_at))::float8 from waiting
       where changed_at < ${prioritisedFrom}) as oldest,
      case when (select happened from truncated) then 0 else
        (select count(*) from reembed.quarantined_chunks where profile = ${profile.name})
          - (select count(*) from waiting join reembed.quarantined_chunks q using (chunk_id)
             where q.profile = ${profile.name}) end as quarantined`);
  const chunks = Number(rows[0]?.chunks);
  const outdated = Number(rows[0]?.outdated);
  const quarantined = Number(rows[0]?.quarantined);
  // Rows that no trigger told of may have gone, and their vectors not yet.
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
 * Chunks of a profile whose backfill has ended that have no vector and no change either, as after a truncated or restored
 * partition. A change is written by the transaction that makes a vector wanting, so that any live corpus has none.
 */
export function countLost({ pending, changes }: Pick<Coverage, "pending" | "changes">): number {
  return Math.max(0, pending - changes);
}

/** Quarantined chunks by reason. */
export async function readQuarantineReasons(
  database: Database,
  profile: RegisteredProfile,
): Promise<{ reason: string; chunks: number }[]> {
  const { rows } = await database.execute<{ reason: string; chunks: string }>(sql`
    select reason, count(*) as chunks from reembed.quarantined_chunks
    where profile = ${profile.name} group by reason order by count(*) desc, reason`);
  return rows.map((row) => ({ reason: row.reason, chunks: Number(row.chunks) }));
}
