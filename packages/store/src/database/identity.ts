import { sql } from "drizzle-orm";
import type { Database } from "./database.ts";

/**
 * What tells this database from every other that may share a queue's server: a random name of its own. A copy restored
 * from a dump has it too, but another oid; a standby that takes over has both.
 */
export async function readIdentity(database: Database): Promise<string> {
  const { rows } = await database.execute<{ identity: string }>(sql`
    select concat('reembed-', name, '-', oid) as identity from reembed.identities, pg_database
    where id = 1 and datname = current_database()`);
  if (rows[0] === undefined) throw new TypeError("The database has no identity; its migration gives it one");
  return rows[0].identity;
}
