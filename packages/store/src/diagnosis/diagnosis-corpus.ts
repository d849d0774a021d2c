import { type SQL, sql } from "drizzle-orm";
import { documentKey } from "../adoption/adopted-relation.ts";
import { leading } from "../adoption/leading-dimensions.ts";
import type { Database } from "../database/database.ts";
import type { RegisteredProfile } from "../profiles/profiles.ts";
import type { AdoptedSource } from "../schema/corpus.ts";
import { embeddingsPartition } from "../schema/relations.ts";

/** How many rows a table has and how many were read: all of them, or some random pages. */
export interface SampledRows {
  rows: number;
  sampled: number;
}

export interface TextFacts extends SampledRows {
  /** Texts without a visible character, or null. */
  blank: number;
  /** Number of different texts, by hash. */
  different: number;
}

/** Reads the texts of a profile's chunks, at most about `most` of them. */
export async function readTextFacts(database: Database, profile: RegisteredProfile, most: number): Promise<TextFacts> {
  const { source } = profile;
  const table = sql.raw(source?.table ?? profile.relation);
  const content = sql.raw(source === null ? "content" : `(${source.content})::text`);
  const rows = await countRows(database, table);
  const found = await database.execute<Record<"sampled" | "blank" | "different", string>>(sql`
    select count(*) as sampled, count(*) filter (where content is null or content !~ '\\S') as blank,
      count(distinct sha256(convert_to(content, 'UTF8'))) as different
    from (select ${content} as content from ${table} ${pages(rows, most)}) chosen`);
  const [row] = found.rows;
  return {
    rows,
    sampled: Number(row?.sampled),
    blank: Number(row?.blank),
    different: Number(row?.different),
  };
}

export interface VectorFacts extends SampledRows {
  /** Rows of an adopted table without a vector. */
  missing: number;
  zero: number;
  notANumber: number;
  /** Vectors whose length differs from 1 by more than a hundredth; half precision rounds by a two-thousandth. */
  unnormalised: number;
  otherDimensions: number;
}

/** Reads a profile's vectors, at most about `most` of them: its own, or those in the application's table. */
export async function readVectorFacts(
  database: Database,
  { name, dimensions }: RegisteredProfile,
  source: AdoptedSource | null,
  most: number,
): Promise<VectorFacts> {
  const table = sql.raw(source?.table ?? embeddingsPartition(name));
  const given = source?.embedding ?? "embedding";
  const rows = await countRows(database, table);
  const found = await database.execute<Record<"sampled" | "missing" | "zero" | "nan" | "long" | "other", string>>(sql`
    select count(*) as sampled, count(*) filter (where embedding is null) as missing,
      count(*) filter (where length = 0) as zero, count(*) filter (where length = 'NaN') as nan,
      count(*) filter (where length <> 0 and length <> 'NaN' and abs(length - 1) > 0.01) as long,
      count(*) filter (where embedding is not null and measured is null) as other
    from (
      select embedding, measured, vector_norm(coalesce(measured, embedding::vector)) as length
      from (
        select (${sql.raw(given)}) as embedding, ${leading(given, dimensions)} as measured
        from ${table} ${pages(rows, most)}
      ) looked
    ) measured`);
  const [row] = found.rows;
  return {
    rows,
    sampled: Number(row?.sampled),
    missing: Number(row?.missing),
    zero: Number(row?.zero),
    notANumber: Number(row?.nan),
    unnormalised: Number(row?.long),
    otherDimensions: Number(row?.other),
  };
}

/** Number of an adopted table's chunks whose document is not in the application's table of documents. */
export async function countOrphans(
  database: Database,
  source: AdoptedSource & Required<Pick<AdoptedSource, "documents">>,
  most: number,
): Promise<SampledRows & { orphans: number }> {
  const { table, documents } = source;
  const chunks = sql.raw(table);
  const rows = await countRows(database, chunks);
  const found = await database.execute<Record<"sampled" | "orphans", string>>(sql`
    select count(*) as sampled, count(*) filter (where d.key is null) as orphans
    from (select ${sql.raw(documentKey(source))} as document from ${chunks} ${pages(rows, most)}) c
    left join (select (${sql.raw(documents.key)})::text as key from ${sql.raw(documents.table)}) d on d.key = c.document::text`);
  return { rows, sampled: Number(found.rows[0]?.sampled), orphans: Number(found.rows[0]?.orphans) };
}

async function countRows(database: Database, table: SQL): Promise<number> {
  const { rows } = await database.execute<{ count: string }>(sql`select count(*) from ${table}`);
  return Number(rows[0]?.count);
}

/** If the table is larger, samples random pages with about as many rows as wanted. */
function pages(rows: number, most: number): SQL {
  return rows <= most ? sql`` : sql`tablesample system (${(100 * most) / rows})`;
}
