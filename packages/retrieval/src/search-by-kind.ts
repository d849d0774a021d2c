import type { Database } from "@reembed/store/database";
import type { RegisteredProfile } from "@reembed/store/profiles";
import { type SearchResult, searchExactly, searchProfile } from "@reembed/store/search";

/** `exact`: compares every vector. `index`: searches as users do. */
export type SearchKind = "exact" | "index";

/** The nearest chunks, at any score. */
export async function searchBy(
  database: Database,
  profile: RegisteredProfile,
  vector: Float32Array,
  { search, limit }: { search: SearchKind; limit: number },
): Promise<SearchResult[]> {
  return await (search === "exact" ? searchExactly : searchProfile)(database, profile, vector, { limit });
}
