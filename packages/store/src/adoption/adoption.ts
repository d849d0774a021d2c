import { ReembedError } from "@reembed/core";
import { type SQL, sql } from "drizzle-orm";
import pg from "pg";
import type { Queryable } from "../database/database.ts";
import type { ChunkSource } from "../schema/corpus.ts";
import { keyType } from "./adoption-source.ts";

/** A chunking whose chunks are an application's rows. A database has at most one. */
export interface Adoption {
  chunking: string;
  /** The declared overlap of its chunks, in characters. */
  overlap: number;
  /** The view over the application's chunks. */
  relation: string;
  source: ChunkSource;
  /** The type in which keys of documents are compared; undefined if the application's table of chunks was dropped. */
  keyType: string | undefined;
}

/** The column of our views with the application's key of a document. */
export const sourceKey = "source_document";

/** The adopted chunking; undefined if there is none, or if its profiles are retired and its table was dropped. */
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
 * The key type of an adoption whose table exists.
 * @throws ReembedError `adopted_table_gone` (exit code 3).
 */
export function requirePresent({ source, keyType: type }: Adoption): string {
  if (type !== undefined) return type;
  throw new ReembedError("adopted_table_gone", `The adopted table ${source.table} was dropped.`, {
    exitCode: 3,
    remedy:
      "Restore it and the schema reembed from the same backup, or run DROP SCHEMA reembed CASCADE to start again.",
  });
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

/** A condition on a view's rows: they belong to one of these documents. The empty key means rows without a document. */
export function ofDocuments(keys: readonly string[], type: string, alias: string): SQL {
  const column = sql.raw(`${alias}.${sourceKey}`);
  const given = keys.filter((key) => key !== "");
  const one = sql`${column} = any(${sql.param(given)}::text[]::${sql.raw(type)}[])`;
  return given.length === keys.length ? one : sql`(${one} or coalesce(${column}::text, '') = '')`;
}

/** The key of a view row's document, as text. */
export function keyOf(alias: string): SQL {
  return sql.raw(`coalesce(${alias}.${sourceKey}::text, '')`);
}

/** A name from the application, quoted for SQL. */
export function quoted(name: string): string {
  return pg.escapeIdentifier(name);
}
