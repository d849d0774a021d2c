import { sql } from "drizzle-orm";
import { encodeHalfvec } from "../database/binary-values.ts";
import type { Database } from "../database/database.ts";
import type { RegisteredProfile } from "../profiles/profiles.ts";
import { filtered, readResults, type SearchOptions, type SearchResult } from "./search-results.ts";

/**
 * The chunks of a profile whose vectors are nearest to this one, the best first, by comparing every vector. Approximate
 * indexes are measured against it, and a small corpus needs no index (9 ms per 1,000 rows on PGlite).
 *
 * A profile's ANN index is on `embedding::halfvec(N)`, and the planner compares expressions literally: it never uses the
 * index for the distance of the bare column. Of equal scores the older chunk comes first.
 */
export async function searchExactly(
  database: Database,
  profile: RegisteredProfile,
  vector: Float32Array,
  { limit, threshold, filter }: SearchOptions,
): Promise<SearchResult[]> {
  const { join, condition } = filtered(profile, filter);
  const nearest = sql`
    select e.chunk_id, e.embedding <=> ${encodeHalfvec(vector)}::halfvec as distance
    from reembed.chunk_embeddings e ${join}
    where e.profile = ${profile.name} ${condition}
    order by distance, e.chunk_id
    limit ${limit}`;
  return (await readResults(database, profile, nearest, { limit, threshold })).results;
}
