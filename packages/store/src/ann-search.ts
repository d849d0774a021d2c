import { sql } from "drizzle-orm";
import { annExpression } from "./ann-index.ts";
import { breadthSetting } from "./ann-recall.ts";
import type { Database } from "./database.ts";
import { searchExactly } from "./exact-search.ts";
import type { RegisteredProfile } from "./profiles.ts";
import { embeddingsPartition } from "./relations.ts";
import type { AnnSettings } from "./schema.ts";
import { encodeHalfvec, filtered, readResults, type SearchOptions, type SearchResult } from "./search-results.ts";

/**
 * The chunks of a profile whose vectors are nearest to this one, the best first: through its ANN index where one has
 * been measured, else from a look at every vector. An index that is gone since, or not valid, is nothing the planner
 * takes: then the same statement reads the whole partition, and is right and slow.
 */
export async function searchProfile(
  database: Database,
  profile: RegisteredProfile,
  vector: Float32Array,
  { limit, threshold, filter }: SearchOptions,
): Promise<SearchResult[]> {
  if (profile.ann === null) return await searchExactly(database, profile, vector, { limit, threshold, filter });
  const { join, condition } = filtered(profile, filter);
  const nearest = sql`
    select e.chunk_id, ${annExpression(profile)} <=> ${encodeHalfvec(vector)}::halfvec as distance
    from ${sql.raw(embeddingsPartition(profile.name))} e ${join}
    where ${settingsOf(profile.ann)} ${condition}
    order by distance
    limit ${limit}`;
  return await readResults(database, profile, nearest, threshold);
}

/**
 * Sets how widely the index is searched, for this statement alone: a condition without a column is evaluated before the
 * scan begins, and a local setting ends with the statement's own transaction. So a search is one round trip and leaves
 * nothing behind on its connection; BEGIN, SET LOCAL and COMMIT would be four.
 *
 * With a scan that goes on until there are enough rows, a filter or deleted rows leave no answer short; hnsw keeps
 * the strict order in that, ivfflat knows only the relaxed one, and the results are sorted in any case.
 */
function settingsOf({ kind, breadth }: AnnSettings) {
  const order = kind === "hnsw" ? "strict_order" : "relaxed_order";
  return sql`(select set_config(${breadthSetting(kind)}, ${`${breadth}`}, true)
    || set_config(${`${kind}.iterative_scan`}, ${order}, true)) is not null`;
}
