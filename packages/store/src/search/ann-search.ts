import { type SQL, sql } from "drizzle-orm";
import { encodeHalfvec } from "../database/binary-values.ts";
import type { Database } from "../database/database.ts";
import type { RegisteredProfile } from "../profiles/profiles.ts";
import type { AnnSettings } from "../schema/profiles.ts";
import { embeddingsPartition } from "../schema/relations.ts";
import { annExpression } from "./ann-index.ts";
import { searchSettingName } from "./ann-recall.ts";
import { searchExactly } from "./exact-search.ts";
import { filtered, isFiltering, readResults, type SearchOptions, type SearchResult } from "./search-results.ts";

/**
 * An index that is asked for rows far from a query returns the first that it meets there and not the nearest: with 20,000
 * vectors, of which those that the filter leaves lie elsewhere, 2 of the 15 nearest. So a filtered search takes more
 * candidates than it returns, and keeps the nearest of them: then it was 12.
 */
const filteredCandidates = 4;

/**
 * Of this many nearest rows one in twenty must pass the filter, or the rows that it leaves count as rare or far. From afar all
 * of them are about as distant, so that the nearest are spread over all lists of an IVFFlat index, and all are read. With
 * 30,000 vectors the least recall of any filter is 0.997; without this it was 0.30 with 20,000 and 0.73 with 60,000.
 */
const near = { rows: 60, leastMatching: 3 };
/** pgvector's maximum of ivfflat.probes; an index with fewer lists is read as a whole. */
const allLists = 32_768;

/**
 * The chunks of a profile whose vectors are nearest to this one, the best first: through its ANN index if one has been
 * measured, otherwise by comparing every vector. If the index was dropped meanwhile or is invalid, the planner reads the
 * whole partition for the same statement, which is slow but right.
 *
 * An index scan stops after a number of tuples (`hnsw.max_scan_tuples`) or an amount of memory. With 15,000 of 150,000
 * vectors in another language and far from the query it found 1 of 15. So if an answer has too few results, the matching
 * rows are searched exactly.
 */
export async function searchProfile(
  database: Database,
  profile: RegisteredProfile,
  vector: Float32Array,
  options: SearchOptions,
): Promise<SearchResult[]> {
  const { ann } = profile;
  if (ann === null) return await searchExactly(database, profile, vector, options);
  const isFiltered = isFiltering(options.filter);
  const wanted = options.limit * (isFiltered ? filteredCandidates : 1);
  const isFar =
    ann.kind === "ivfflat" && isFiltered && !(await hasMatchesNear(database, profile, { ann, vector, ...options }));
  const settings = isFar ? { ...ann, searchSetting: allLists } : ann;
  const nearest = nearestInIndex(profile, settings, vector, { ...options, limit: wanted });
  const found = await readResults(database, profile, nearest, options);
  if (found.nearest >= wanted) return found.results;
  return await searchExactly(database, profile, vector, options);
}

/** Whether rows that pass the filter are among the nearest to the query. LIMIT makes each join an index lookup. */
async function hasMatchesNear(
  database: Database,
  profile: RegisteredProfile,
  { ann, vector, filter }: { ann: AnnSettings; vector: Float32Array } & Pick<SearchOptions, "filter">,
): Promise<boolean> {
  const { join, condition } = filtered(profile, filter);
  const { rows } = await database.execute<{ matching: number }>(sql`
    with e as materialized (${nearestInIndex(profile, ann, vector, { limit: near.rows })})
    select count(*)::int as matching from e cross join lateral (
      select from (select e.chunk_id) e ${join} where true ${condition} limit 1
    ) matches`);
  return (rows[0]?.matching ?? 0) >= near.leastMatching;
}

function nearestInIndex(
  profile: RegisteredProfile,
  { unreachable = [], ...ann }: AnnSettings,
  vector: Float32Array,
  { limit, filter }: SearchOptions,
): SQL {
  const { join, condition } = filtered(profile, filter);
  const candidates = sql`
    select e.chunk_id, ${annExpression(profile)} <=> ${encodeHalfvec(vector)}::halfvec as distance
    from ${sql.raw(embeddingsPartition(profile.name))} e ${join}`;
  const indexed = sql`${candidates} where ${settingsOf(ann, isFiltering(filter))} ${condition} order by distance limit ${limit}`;
  if (unreachable.length === 0) return indexed;
  return sql`
    select chunk_id, distance from (
      (${indexed}) union (${candidates} where e.chunk_id = any(${sql.param(unreachable)}::bigint[]) ${condition})
    ) found order by distance + 0 limit ${limit}`;
}

/**
 * Sets how widely the index is searched, for this statement only: a condition without columns is evaluated before the scan
 * begins, and a local setting ends with the statement's own transaction. So a search is one round trip and leaves nothing
 * on its connection; BEGIN, SET LOCAL and COMMIT would take four.
 *
 * A scan continues until there are enough rows or the index stops. In the strict order, hnsw drops rows that it finds late
 * although they are nearer, which happens often with a filter; ivfflat only has the relaxed order. The results are sorted
 * in any case.
 */
function settingsOf({ kind, searchSetting }: Pick<AnnSettings, "kind" | "searchSetting">, isFiltered: boolean) {
  const order = kind === "hnsw" && !isFiltered ? "strict_order" : "relaxed_order";
  return sql`(select set_config(${searchSettingName(kind)}, ${`${searchSetting}`}, true)
    || set_config(${`${kind}.iterative_scan`}, ${order}, true)) is not null`;
}
