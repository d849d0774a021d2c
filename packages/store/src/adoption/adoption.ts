import { ReembedError } from "@reembed/core";
import { type SQL, sql } from "drizzle-orm";
import pg from "pg";
import type { Queryable } from "../database/database.ts";
import type { ChunkSource } from "../schema/corpus.ts";
import { keyType } from "./adoption-source.ts";

/** A chunking whose chunks are an application's rows; a database has one at most. */
export interface Adoption {
  chunking: string;
  /** By how many characters its chunks are said to overlap. */
  overlap: number;
  /** The view over the application's chunks. */
  relation: string;
  source: ChunkSource;
  /** In which documents' keys are compared; undefined when the application's table of chunks is gone. */
  keyType: string | undefined;
}

/** The column of our views with a document's key as the application has it. */
export const sourceKey = "source_document";

/** The adopted chunking, if there is one; when its profiles are retired and its table is dropped, there was one. */
export async function readAdoption(database: Queryable): Promise<Adoption | undefined> {
  const { rows } = await database.execute<
    Omit<Adoption, "keyType"> & { type: string | null; category: string | null }
  >(sql`
    select c.name as chunking, c.overlap, c.relation, c.source,
      format_type(a.atttypid, a.atttypmod) as type, t.typcategory as category
    from reembed.chunkings c
    left join pg_attribute a on a.attrelid = to_regclass(c.relation) and a.attname = ${sourceKey}
    left join pg_type t on t.oid = a.atttypid
    where c.source is not null
      and (a.attname is not null or exists (
        select from reembed.profiles p where p.chunking = c.name and p.state <> 'retired'))
    limit 1`);
  const [found] = rows;
  if (found === undefined) return undefined;
  const { type, category, ...adoption } = found;
  return { ...adoption, keyType: type === null ? undefined : keyType({ type, category: category ?? "" }) };
}

/**
 * The key type of an adoption whose table is there.
 * @throws ReembedError `adopted_table_gone` (exit code 3).
 */
export function requirePresent({ source, keyType: type }: Adoption): string {
  if (type !== undefined) return type;
  throw new ReembedError("adopted_table_gone", `${source.table}, the table that was adopted, was dropped.`, {
    exitCode: 3,
    remedy: "Restore it and the schema reembed from one backup, or DROP SCHEMA reembed CASCADE to begin anew.",
  });
}

/**
 * @throws ReembedError `corpus_adopted` (exit code 3) in a database whose documents are an application's.
 */
export async function refuseAdopted(database: Queryable): Promise<void> {
  const adoption = await readAdoption(database);
  if (adoption === undefined) return;
  const { table, documents } = adoption.source;
  const tables = documents === undefined ? table : `${documents.table} and ${table}`;
  throw new ReembedError("corpus_adopted", `The documents of this database are those of ${table}, which was adopted.`, {
    exitCode: 3,
    remedy: `Write to ${tables}: Reembed follows.`,
  });
}

/** Whether a view's row is of one of these documents; the empty key is that of rows without a document. */
export function ofDocuments(keys: readonly string[], type: string, alias: string): SQL {
  const column = sql.raw(`${alias}.${sourceKey}`);
  const given = keys.filter((key) => key !== "");
  const one = sql`${column} = any(${sql.param(given)}::text[]::${sql.raw(type)}[])`;
  return given.length === keys.length ? one : sql`(${one} or coalesce(${column}::text, '') = '')`;
}

/** A document's key as text, of a view's row. */
export function keyOf(alias: string): SQL {
  return sql.raw(`coalesce(${alias}.${sourceKey}::text, '')`);
}

/** A name of the application's, as SQL writes it. */
export function quoted(name: string): string {
  return pg.escapeIdentifier(name);
}
