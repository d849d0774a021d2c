import type { Database } from "@reembed/store/database";
import { sql } from "drizzle-orm";

/** The server's versions, and the settings that determine the cost of a write. */
export async function describeServer(database: Database): Promise<string> {
  const { rows } = await database.execute<{ server: string }>(sql`
    select format('PostgreSQL %s, pgvector %s', split_part(current_setting('server_version'), ' ', 1), extversion)
      || (
        select string_agg(format(', %s %s', name, current_setting(name)), '' order by name) from pg_settings
        where name in ('fsync', 'synchronous_commit', 'full_page_writes', 'shared_buffers')
      ) as server
    from pg_extension where extname = 'vector'`);
  return rows[0]?.server ?? "";
}
