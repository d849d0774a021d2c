import type { Database } from "@reembed/store/database";
import type { RegisteredProfile } from "@reembed/store/profiles";
import { sql } from "drizzle-orm";

/** Ids of chunks after the backfill's cursor and up to its target, in the order of ids. */
export async function readBackfillIds(
  database: Database,
  profile: RegisteredProfile,
  limit: number,
): Promise<number[]> {
  const { rows } = await database.execute<{ id: string }>(sql`
    select id from ${sql.raw(profile.relation)} c
    where id > ${profile.backfillCursor}::bigint and id <= ${profile.backfillTarget}::bigint
    order by id limit ${limit}`);
  return rows.map((row) => Number(row.id));
}
