import { sql } from "drizzle-orm";
import type { Database } from "../database/database.ts";

/** Whether an adopted table still has the old vectors beside the new ones, in the column that a hand-over leaves. */
export async function isHandedOver(database: Database): Promise<boolean> {
  const { rows } = await database.execute(sql`
    select from reembed.chunkings c join pg_attribute a on a.attrelid = to_regclass(c.source->>'table')
    where starts_with(a.attname, concat('reembed'::name, '_old_')) and a.attnum > 0 and not a.attisdropped limit 1`);
  return rows.length > 0;
}
