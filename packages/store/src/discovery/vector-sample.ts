import { sql } from "drizzle-orm";
import type { Queryable } from "../database/database.ts";
import { quoted } from "../database/quoted.ts";
import type { Reference, VectorTable } from "./vector-tables.ts";

/** Sampled rows whose vectors have the same length, and which are of the same collection. */
export interface SampledVectors {
  /** The value of the column that was asked for, as text; null without one. */
  collection: string | null;
  /** Null where rows have no vector yet. */
  dimensions: number | null;
  /** The place of the last number that is not 0 in any of them: less than `dimensions` if vectors are padded. */
  used: number | null;
  rows: number;
}

/** Enough to see which lengths there are; one block holds some tens of rows, and their vectors lie out of line. */
const sampledPages = 100;
const sampledRows = 1_000;
/** Taking a vector apart costs a hundred times as much as reading its length. */
const examinedRows = 50;

/**
 * Reads the lengths of some vectors, from random blocks of the table.
 * @param by The column that tells collections apart, if several share the table.
 * @returns The sample, and whether it is the whole table.
 */
export async function sampleVectors(
  database: Queryable,
  { name, pages }: Pick<VectorTable, "name" | "pages">,
  column: string,
  by?: string,
): Promise<{ sample: SampledVectors[]; whole: boolean }> {
  const share = Math.min(100, (100 * sampledPages) / Math.max(1, pages));
  const collection = by === undefined ? sql`null::text` : sql`${sql.raw(quoted(by))}::text`;
  const { rows } = await database.execute<SampledVectors & Record<string, unknown>>(sql`
    select collection, vector_dims(vector) as dimensions, count(*)::int as rows,
      max(case when number <= ${examinedRows}::int then (
        select max(place) from unnest(vector::vector::real[]) with ordinality n (value, place) where value <> 0
      ) end)::int as used
    from (
      select row_number() over () as number, s.* from (
        select ${sql.raw(quoted(column))} as vector, ${collection} as collection
        from ${sql.raw(name)} tablesample system (${sql.raw(String(share))}) limit ${sampledRows}::int
      ) s
    ) numbered
    group by 1, 2 order by 3 desc, 1, 2`);
  const total = rows.reduce((sum, group) => sum + group.rows, 0);
  return { sample: rows, whole: share === 100 && total < sampledRows };
}

/** The names of collections by their key, from the table that a column refers to. */
export async function readCollections(
  database: Queryable,
  { table, key }: Pick<Reference, "table" | "key">,
  name: string,
): Promise<{ key: string; name: string | null }[]> {
  const { rows } = await database.execute<{ key: string; name: string | null }>(sql`
    select ${sql.raw(quoted(key))}::text as key, ${sql.raw(quoted(name))}::text as name
    from ${sql.raw(table)} order by 2, 1 limit 1000`);
  return rows;
}
