import { sql } from "drizzle-orm";
import type { Queryable } from "../database/database.ts";
import { oidOf } from "../database/quoted.ts";
import type { RegisteredProfile } from "../profiles/profiles.ts";
import { chunksPartition, embeddingsPartition, profileView } from "../schema/relations.ts";

/**
 * Creates the view with which an application searches a profile of our own chunks in SQL, unless it exists. Its `embedding` is exactly the
 * expression of the ANN index, so `order by embedding <=> …` on the view uses the index. The application's role only needs a
 * grant on the view.
 */
export async function createProfileView(
  database: Queryable,
  { name, dimensions }: Pick<RegisteredProfile, "name" | "dimensions">,
  chunking: string,
): Promise<void> {
  const view = profileView(name);
  const existing = await database.execute(sql`select 1 from pg_class where oid = ${oidOf(view)}`);
  if (existing.rows.length > 0) return;
  await database.execute(
    sql.raw(`
      create view ${view} as
      select c.id as chunk_id, c.document_id, d.uri, d.title, c.content, c.start_offset, c.end_offset,
        e.embedding::halfvec(${dimensions}) as embedding
      from ${embeddingsPartition(name)} e
      join ${chunksPartition(chunking)} c on c.id = e.chunk_id
      join reembed.documents d on d.id = c.document_id`),
  );
}
