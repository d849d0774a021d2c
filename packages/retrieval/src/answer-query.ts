import { traced } from "@reembed/runtime";
import { type Database, withCancellation } from "@reembed/store/database";
import type { RegisteredProfile } from "@reembed/store/profiles";
import { type SearchOptions, type SearchResult, searchProfile } from "@reembed/store/search";
import type { QueryVectors } from "./query-vectors.ts";

/** A text, and what of the profile's settings it has its own of. */
export interface Query extends Partial<SearchOptions> {
  query: string;
}

/**
 * The chunks of one profile that are nearest to the query, within the profile's settings or those of the request.
 * @param signal Cancels the statement on the server.
 */
export async function answerQuery(
  database: Database,
  profile: RegisteredProfile,
  { query, limit = profile.limit, threshold = profile.threshold, filter }: Query,
  { vectors, signal }: { vectors: QueryVectors; signal: AbortSignal },
): Promise<SearchResult[]> {
  const vector = await vectors.of(profile, query);
  const facts = { profile: profile.name, chunking: profile.chunking, limit, filtered: filter !== undefined };
  return await traced("search vectors", facts, async ({ tell }) => {
    const results = await withCancellation(database, signal, (session) =>
      searchProfile(session, profile, vector, { limit, threshold, filter }),
    );
    tell({ results: results.length });
    return results;
  });
}
