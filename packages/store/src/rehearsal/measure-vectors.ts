import { sql } from "drizzle-orm";
import type { Database } from "../database/database.ts";
import { oidOf } from "../database/quoted.ts";
import { embeddingsPartition } from "../schema/relations.ts";

/** What the vectors of a profile have taken. */
export interface VectorsSize {
  chunks: number;
  /** What the model has read. */
  tokens: number;
  /** With their indexes. */
  bytes: number;
}

export async function measureVectors(database: Database, { name }: { name: string }): Promise<VectorsSize> {
  const partition = sql.raw(embeddingsPartition(name));
  const { rows } = await database.execute<Record<keyof VectorsSize, string>>(sql`
    select count(*) as chunks, coalesce(sum(token_count - truncated_tokens), 0) as tokens,
      pg_total_relation_size(${oidOf(embeddingsPartition(name))}) as bytes from ${partition}`);
  const [row] = rows;
  return { chunks: Number(row?.chunks), tokens: Number(row?.tokens), bytes: Number(row?.bytes) };
}
