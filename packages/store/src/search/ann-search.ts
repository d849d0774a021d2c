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
 * The chunks of a profile whose vectors are nearest to this one, the best first: through its ANN index where one has
 * been measured, else from a look at every vector. An index that is gone since, or not valid, is nothing the planner
 * takes: then the same statement reads the whole partition, and is right and slow.
 *
 * An index gives up after so many tuples (`hnsw.max_scan_tuples`) or so much memory. With 15,000 of 150,000 vectors in
 * another language and far from the query it found 1 of 15. So an answer that is short is looked for exactly, among
 * what the filter leaves.
 */
export async function searchProfile(
  database: Database,
  profile: RegisteredProfile,
  vector: Float32Array,
  options: SearchOptions,
): Promise<SearchResult[]> {
  const { ann } = profile;
  if (ann === null) return await searchExactly(database, profile, vector, options);
  const wanted = options.limit * (isFiltering(options.filter) ? filteredCandidates : 1);
  const nearest = nearestInIndex(profile, ann, vector, { ...options, limit: wanted });
  const found = await readResults(database, profile, nearest, options);
  if (found.nearest >= wanted) return found.results;
  return await searchExactly(database, profile, vector, options);
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
    ) found order by distance limit ${limit}`;
}

/**
 * Sets how widely the index is searched, for this statement alone: a condition without a column is evaluated before the
 * scan begins, and a local setting ends with the statement's own transaction. So a search is one round trip and leaves
 * nothing behind on its connection; BEGIN, SET LOCAL and COMMIT would be four.
 *
 * A scan goes on until there are enough rows or the index gives up. In the strict order of hnsw it drops what it finds
 * late although it is nearer, which a filter makes frequent; ivfflat knows only the relaxed order. The results are sorted
 * in any case.
 */
function settingsOf({ kind, breadth }: Pick<AnnSettings, "kind" | "breadth">, isFiltered: boolean) {
  const order = kind === "hnsw" && !isFiltered ? "strict_order" : "relaxed_order";
  return sql`(select set_config(${searchSettingName(kind)}, ${`${breadth}`}, true)
    || set_config(${`${kind}.iterative_scan`}, ${order}, true)) is not null`;
}
