import { sql } from "drizzle-orm";
import type { Database } from "./database.ts";

/** Searches that are looked through for each query that is wanted: people ask the same again. */
const searchesPerQuery = 50;

/** The last different queries that people asked and that were answered, the newest first; none where they are not logged. */
export async function readLoggedQueries(database: Database, most: number): Promise<string[]> {
  const { rows } = await database.execute<{ query: string }>(sql`
    select query from (
      select id, query from reembed.search_events
      where query ~ '[^[:space:]]' and shadow_of is null and error is null
      order by id desc limit ${most * searchesPerQuery}
    ) latest
    group by query order by max(id) desc limit ${most}`);
  return rows.map(({ query }) => query);
}
