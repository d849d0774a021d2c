import { type SQL, sql } from "drizzle-orm";
import type { Database } from "../database/database.ts";
import { oidOf } from "../database/quoted.ts";

export interface IndexFacts {
  name: string;
  kind: string;
  /** False if its build was interrupted: searches do not use it, but every write still maintains it. */
  valid: boolean;
  /** Whether it is being built now, so that it is not valid yet. */
  building: boolean;
  sizeBytes: number;
}

/** The ANN indexes of a table, which is named as in SQL; empty if the table does not exist. */
export async function readAnnIndexes(database: Database, table: string): Promise<IndexFacts[]> {
  const { rows } = await database.execute<{
    name: string;
    kind: string;
    valid: boolean;
    building: boolean;
    bytes: string;
  }>(sql`
    select i.relname as name, am.amname as kind, x.indisvalid as valid, pg_relation_size(i.oid) as bytes,
      exists (select from pg_stat_progress_create_index p where p.index_relid = i.oid) as building
    from pg_index x
    join pg_class i on i.oid = x.indexrelid
    join pg_am am on am.oid = i.relam
    where x.indrelid = ${oidOf(table)} and am.amname in ('hnsw', 'ivfflat')
    order by i.relname`);
  return rows.map(({ bytes, ...row }) => ({ ...row, sizeBytes: Number(bytes) }));
}

/** Whether a table has an index that finds rows by this expression alone, which may be a column as SQL quotes it. */
export async function hasIndexOn(database: Database, table: string, expression: string): Promise<boolean> {
  // PostgreSQL writes an expression of an index with casts and parentheses of its own.
  const comparable = (of: SQL) => sql`regexp_replace(${of}, '::text|[()" ]', '', 'g')`;
  const bare = comparable(sql`${expression}::text`);
  const { rows } = await database.execute<{ there: boolean }>(sql`
    select exists (
      select from pg_index x
      where x.indrelid = ${oidOf(table)} and x.indisvalid and x.indpred is null
        and ${bare} = ${comparable(sql`pg_get_indexdef(x.indexrelid, 1, true)`)}
    ) as there`);
  return rows[0]?.there === true;
}

/** The size of a table on disk with its indexes and TOAST; 0 if it does not exist. */
export async function readTableBytes(database: Database, table: string): Promise<number> {
  const { rows } = await database.execute<{ bytes: string | null }>(
    sql`select pg_total_relation_size(${oidOf(table)}) as bytes`,
  );
  return Number(rows[0]?.bytes ?? 0);
}
