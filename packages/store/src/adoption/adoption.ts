import { ReembedError } from "@reembed/core";
import { type SQL, sql } from "drizzle-orm";
import type { Queryable } from "../database/database.ts";
import type { AdoptedSource } from "../schema/corpus.ts";
import { tableGone } from "./adopted-errors.ts";
import { sourceKey } from "./adopted-relation.ts";

/** A chunking whose chunks are an application's rows. A database has at most one. */
export interface Adoption {
  chunking: string;
  /** The declared overlap of its chunks, in characters. */
  overlap: number;
  /** The subquery that reads the application's chunks. */
  relation: string;
  source: AdoptedSource;
  /** Whether the application's tables are still there. */
  present: boolean;
}

/** The adopted chunking; undefined if there is none, or if its profiles are retired and its table was dropped. */
export async function readAdoption(database: Queryable): Promise<Adoption | undefined> {
  const { rows } = await database.execute<Adoption & Record<string, unknown>>(sql`
    select * from (
      select c.name as chunking, c.overlap, c.relation, c.source, to_regclass(c.source->>'table') is not null
        and (c.source->'documents' is null or to_regclass(c.source->'documents'->>'table') is not null) as present
      from reembed.chunkings c where c.source is not null
    ) c
    where present or exists (
      select from reembed.profiles p where p.chunking = c.chunking and p.state <> 'retired')
    limit 1`);
  return rows[0];
}

/** The adoption of a table, whatever has become of it; undefined if it was not adopted, or was released. */
export async function readUnreleased(
  database: Queryable,
  table: string,
): Promise<Pick<Adoption, "chunking" | "source"> | undefined> {
  const { rows } = await database.execute<Pick<Adoption, "chunking" | "source"> & Record<string, unknown>>(sql`
    select name as chunking, source from reembed.chunkings
    where source->>'table' in (${table}, ${`public.${table}`}) or to_regclass(source->>'table') = to_regclass(${table})`);
  return rows[0];
}

/** @throws ReembedError `adopted_table_gone` (exit code 3) if the application's tables are gone. */
export function requirePresent({ source, present }: Pick<Adoption, "source" | "present">): void {
  if (!present) throw tableGone(source);
}

/** @throws ReembedError `corpus_adopted` (exit code 3) if the database's documents are an application's. */
export async function refuseAdopted(database: Queryable): Promise<void> {
  const adoption = await readAdoption(database);
  if (adoption === undefined) return;
  const { table, documents } = adoption.source;
  const tables = documents === undefined ? table : `${documents.table} and ${table}`;
  throw new ReembedError("corpus_adopted", `The documents of this database come from the adopted table ${table}.`, {
    exitCode: 3,
    remedy: `Write to ${tables}; Reembed follows the changes.`,
  });
}

/** A condition on rows of `relation`: they belong to one of these documents. The empty key means rows without a document. */
export function ofDocuments(keys: readonly string[], { source }: Adoption, alias: string): SQL {
  const column = sql.raw(`${alias}.${sourceKey}`);
  const given = keys.filter((key) => key !== "");
  const one = sql`${column} = any(${sql.param(given)}::text[]::${sql.raw(source.documentType)}[])`;
  return given.length === keys.length ? one : sql`(${one} or coalesce(${column}::text, '') = '')`;
}

/** The key of a row's document, as text. */
export function keyOf(alias: string): SQL {
  return sql.raw(`coalesce(${alias}.${sourceKey}::text, '')`);
}
