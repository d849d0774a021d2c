import { beforeFirstId } from "@reembed/core";
import { sql } from "drizzle-orm";
import type { Database } from "../database/database.ts";
import type { RegisteredProfile } from "../profiles/profiles.ts";
import type { AnnSettings } from "../schema/profiles.ts";
import { embeddingsPartition } from "../schema/relations.ts";
import { annExpression } from "./ann-index.ts";
import { searchSettingName } from "./ann-recall.ts";

const pageVectors = 500;
/** The computed distance of two equal vectors in half precision may be this large. */
const equalDistance = 1e-5;

export interface ReachOptions extends Pick<AnnSettings, "kind" | "searchSetting"> {
  /** Number of results of a search. */
  limit: number;
  /** Searches for every n-th vector, chosen by a hash of its id; 1 means all. */
  every: number;
  /** Searches only for these. */
  among?: readonly number[] | undefined;
}

/**
 * Searches for vectors through the index, a page at a time, and yields the number of searches and the vectors that were not
 * found. A graph can lose a vector: of 2,136 one was not found at any ef_search below 100, although the recall of a sample
 * was 0.9995. If all results are equal vectors, one that is not among them still counts as found. A zero vector has no
 * neighbours and is skipped.
 *
 * The planner is forced to use the index, as in `measureIndexRecall`.
 */
export async function* findUnreachable(
  database: Database,
  profile: RegisteredProfile,
  { kind, searchSetting, limit, every, among }: ReachOptions,
): AsyncGenerator<{ searched: number; unreachable: number[] }> {
  const partition = sql.raw(embeddingsPartition(profile.name));
  const embedding = annExpression(profile);
  const chosen = among === undefined ? sql`` : sql`and chunk_id = any(${sql.param(among)}::bigint[])`;
  for (let after: string | null = `${beforeFirstId}`; after !== null; ) {
    const last: string = after;
    const page = await database.transaction(async (transaction) => {
      await transaction.execute(sql`
        select set_config(${searchSettingName(kind)}, ${`${searchSetting}`}, true), set_config(${`${kind}.iterative_scan`}, 'off', true),
          set_config('enable_sort', 'off', true), set_config('statement_timeout', '0', true)`);
      return await transaction.execute<{ last: string | null; searched: number; unreachable: string[] }>(sql`
        with page as materialized (
          select chunk_id, ${embedding} as vector from ${partition}
          where chunk_id > ${last} and hashint8(chunk_id)::bigint % ${every} = 0 and l2_norm(embedding) > 0 ${chosen}
          order by chunk_id limit ${pageVectors}
        )
        select max(page.chunk_id) as last, count(*)::int as searched,
          coalesce(array_agg(page.chunk_id order by page.chunk_id) filter (where not found.itself), '{}') as unreachable
        from page cross join lateral (
          select coalesce(bool_or(nearest.chunk_id = page.chunk_id), false)
            or count(*) filter (where nearest.distance <= ${equalDistance}) >= ${limit} as itself
          from (
            select e.chunk_id, e.${embedding} <=> page.vector as distance from ${partition} e
            order by e.${embedding} <=> page.vector limit ${limit}
          ) nearest
        ) found`);
    });
    const [row] = page.rows;
    after = row?.last ?? null;
    if (row !== undefined && after !== null) yield { searched: row.searched, unreachable: row.unreachable.map(Number) };
  }
}
