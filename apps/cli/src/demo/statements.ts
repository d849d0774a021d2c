import type { Database } from "@reembed/store/database";
import { sql } from "drizzle-orm";

export async function countDocuments(database: Database): Promise<number> {
  const { rows } = await database.execute<{ count: string }>(sql`select count(*) from reembed.documents`);
  return Number(rows[0]?.count);
}

/** Number of documents with other uris than these. */
export async function countOtherDocuments(database: Database, uris: readonly string[]): Promise<number> {
  const { rows } = await database.execute<{ count: string }>(
    sql`select count(*) from reembed.documents where uri <> all(${sql.param(uris)}::text[])`,
  );
  return Number(rows[0]?.count);
}

/** Number of embedded tokens of all profiles. */
export async function readTokens(database: Database): Promise<number> {
  const { rows } = await database.execute<{ tokens: string }>(
    sql`select coalesce(sum(token_count - truncated_tokens), 0) as tokens from reembed.chunk_embeddings`,
  );
  return Number(rows[0]?.tokens);
}
