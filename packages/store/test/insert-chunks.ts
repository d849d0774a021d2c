import { type SQL, sql } from "drizzle-orm";
import type { Database } from "../src/database/database.ts";
import type { RegisteredProfile } from "../src/profiles/profiles.ts";

/** Stores this many documents, each a chunk `text <n>`, a tenth of them English and the others Russian. */
export async function insertChunks(
  database: Database,
  { chunking, relation }: RegisteredProfile,
  count: number,
  metadata: SQL = sql`'{}'::jsonb`,
): Promise<void> {
  await database.execute(sql`
    insert into reembed.documents (uri, title, language, body, metadata)
    select 'd' || n, '', case when n % 10 = 0 then 'en' else 'ru' end, 'text ' || n, ${metadata}
    from generate_series(1, ${count}::int) n`);
  await database.execute(sql`
    insert into ${sql.raw(relation)} (chunking, document_id, position, start_offset, end_offset, content)
    select ${chunking}, id, 1, 0, 1, body from reembed.documents where uri like 'd%'`);
}
