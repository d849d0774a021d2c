import { sql } from "drizzle-orm";
import type { Database } from "../database/database.ts";

/** If queries are not logged, or only since recently, no more than this number of last searches is read. */
const readAtMost = 100_000;

/**
 * The last different queries that were answered, the newest first, among the last `among` searches; empty if queries are
 * not logged.
 */
export async function readLoggedQueries(
  database: Database,
  most: number,
  { among = readAtMost }: { among?: number } = {},
): Promise<string[]> {
  const { rows } = await database.execute<{ query: string }>(sql`
    select query from (select * from reembed.search_events order by id desc limit ${among}) latest
    where query ~ '[^[:space:]]' and shadow_of is null and error is null
    group by query order by max(id) desc limit ${most}`);
  return rows.map(({ query }) => query);
}
