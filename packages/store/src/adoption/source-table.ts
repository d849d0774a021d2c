import { ReembedError } from "@reembed/core";
import { sql } from "drizzle-orm";
import { missingRights, uniqueKeys } from "../database/catalogue.ts";
import { type Queryable, sqlState } from "../database/database.ts";
import { quoted } from "../database/quoted.ts";

export interface TableColumn {
  name: string;
  /** Quoted where SQL needs it, as an expression over the table's columns. */
  sql: string;
  /** With its length, for example `vector(312)`. */
  type: string;
  /** PostgreSQL's type category; `S` means strings. */
  category: string;
  /** The collation, if it is not the database's. */
  collation: string | null;
  notNull: boolean;
}

/** An application's table, as the catalogue describes it. */
export interface SourceTable {
  /** As SQL writes it. */
  name: string;
  columns: TableColumn[];
  /** The names of the columns of each unique index over all rows. */
  uniqueKeys: string[][];
  /** Whether row security hides rows from this role. */
  filtered: boolean;
  /** The rights that this role lacks. */
  missing: string[];
  isTable: boolean;
}

/**
 * Describes a table.
 * @param name As SQL writes it, with or without a schema.
 * @throws ReembedError `table_missing` (exit code 2).
 */
export async function readTable(database: Queryable, name: string): Promise<SourceTable> {
  const asked = database.execute<{
    name: string;
    kind: string;
    filtered: boolean;
    missing: string[];
    keys: string[][];
    columns: Omit<TableColumn, "sql">[] | null;
  }>(sql`
    select format('%I.%I', n.nspname, c.relname) as name, c.relkind as kind, row_security_active(c.oid) as filtered,
      ${missingRights(sql`c.oid`)} as missing, ${uniqueKeys(sql`c.oid`)} as keys,
      (select json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
          'category', t.typcategory, 'notNull', a.attnotnull, 'collation', (
            select format('%I.%I', cn.nspname, co.collname) from pg_collation co
            join pg_namespace cn on cn.oid = co.collnamespace
            where co.oid = a.attcollation and co.collname <> 'default')) order by a.attnum)
        from pg_attribute a join pg_type t on t.oid = a.atttypid
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = to_regclass(${name})`);
  const { rows } = await asked.catch((error: unknown) => {
    // What cannot be a name of a table at all, such as `a.b.c.d`, is refused by to_regclass.
    if (/^(42|0A)/.test(sqlState(error) ?? "")) return { rows: [] };
    throw error;
  });
  const [table] = rows;
  if (table === undefined) {
    throw new ReembedError("table_missing", `There is no table ${name} in the database.`, {
      exitCode: 2,
      remedy: "Write its name as in SQL, for example public.document_chunks.",
    });
  }
  return {
    ...{ name: table.name, filtered: table.filtered, missing: table.missing, isTable: /^[rp]$/.test(table.kind) },
    uniqueKeys: table.keys,
    columns: (table.columns ?? []).map((column) => ({ ...column, sql: quoted(column.name) })),
  };
}

/** The column that is meant by its exact name, or by its name as SQL quotes it. */
export function findColumn({ columns }: SourceTable, meant: string): TableColumn | undefined {
  return columns.find(({ name }) => name === meant) ?? columns.find((column) => column.sql === meant.trim());
}

/** The type without its length and without the schema in which an extension is installed. */
export function bareType(type: string): string {
  return type.replace(/^.*\./, "").replace(/\(.*/, "");
}

/** The type in which keys are compared, such that an index on them can be used: all integers in one type, and strings. */
export function keyType({ type, category }: Pick<TableColumn, "type" | "category">): string {
  if (/^(smallint|integer|bigint)$/.test(type)) return "bigint";
  if (/^(text|character varying|name)/.test(type)) return "text";
  if (/^character/.test(type)) return "bpchar";
  return category === "S" ? type : type.replace(/\(.*/, "");
}

export function isWhole({ type }: Pick<TableColumn, "type">): boolean {
  return keyType({ type, category: "" }) === "bigint";
}
