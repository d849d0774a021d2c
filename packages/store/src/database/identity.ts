import { sql } from "drizzle-orm";
import type { Database } from "./database.ts";

/**
 * Identifies this database among those that may share a queue's server, by a random name and its oid. A copy restored from a
 * dump has the same name but another oid; a standby that takes over has both.
 */
export async function readIdentity(database: Database): Promise<string> {
  const { rows } = await database.execute<{ identity: string }>(sql`
    select concat('reembed-', name, '-', oid) as identity from reembed.identities, pg_database
    where id = 1 and datname = current_database()`);
  if (rows[0] === undefined) throw new TypeError("The database has no identity; its migration gives it one");
  return rows[0].identity;
}
