import { sql } from "drizzle-orm";
import type { Database } from "../database/database.ts";

/** Where queries are not logged, or only since lately, no more than these last searches are read in vain. */
const lookedAtMost = 100_000;

/**
 * The last different queries that people asked and that were answered, the newest first, out of the last `looked`
 * searches; none where they are not logged.
 */
export async function readLoggedQueries(
  database: Database,
  most: number,
  { looked = lookedAtMost }: { looked?: number } = {},
): Promise<string[]> {
  const { rows } = await database.execute<{ query: string }>(sql`
    select query from (select * from reembed.search_events order by id desc limit ${looked}) latest
    where query ~ '[^[:space:]]' and shadow_of is null and error is null
    group by query order by max(id) desc limit ${most}`);
  return rows.map(({ query }) => query);
}
