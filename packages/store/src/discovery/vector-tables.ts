import { sql } from "drizzle-orm";
import {
  missingRights,
  uniqueKeys,
  type VectorColumnIndex,
  vectorIndexes,
  vectorTypes,
} from "../database/catalogue.ts";
import type { Queryable } from "../database/database.ts";
import { isInstallation, isRehearsal } from "./installations.ts";

/** A column of a table, by PostgreSQL's catalogue. */
export interface CatalogueColumn {
  name: string;
  /** As SQL writes it, for example `vector(312)`. */
  type: string;
  /** Without its length and schema: `vector`, `int8`, `varchar`. */
  base: string;
  /** PostgreSQL's type category; `S` means strings. */
  category: string;
  notNull: boolean;
  /** The length in the type of a vector column; null if there is none, and for other columns. */
  dimensions: number | null;
}

/** A foreign key of one column. */
export interface Reference {
  column: string;
  /** The quoted name of the other table, and its column. */
  table: string;
  key: string;
  columns: CatalogueColumn[];
}

export interface VectorIndex {
  name: string;
  /** `hnsw`, `ivfflat` or another extension's. */
  method: string;
  /** The class of operators, which says for which distance it is: `vector_cosine_ops`. */
  operators: string;
}

/** A table with at least one column of pgvector's types `vector` or `halfvec`, of any schema but those of Reembed. */
export interface VectorTable {
  schema: string;
  /** The table's name within its schema. */
  table: string;
  /** The full name, quoted for SQL where it must be. */
  name: string;
  kind: "table" | "foreign table" | "materialized view";
  columns: CatalogueColumn[];
  /** The columns of each unique index, the primary key's first. */
  keys: string[][];
  references: Reference[];
  /** The indexes of each vector column. */
  indexes: Record<string, VectorIndex[]>;
  /** The planner's estimate; null before the first ANALYZE. */
  estimatedRows: number | null;
  /** The number of blocks, without what is stored out of line. */
  pages: number;
  /** What the role lacks to adopt it. */
  missingRights: string[];
  /** Whether row security hides rows from the role. */
  filtered: boolean;
  /** The schemas of the installations of Reembed whose triggers are on it. */
  followedBy: string[];
  /** Whether this installation is one of them. */
  followed: boolean;
}

/**
 * Finds the tables with vectors in the catalogue alone: no row is read.
 * @param only The name of one table, as SQL writes it.
 */
export async function readVectorTables(database: Queryable, only?: string): Promise<VectorTable[]> {
  const { rows } = await database.execute<Omit<VectorTable, "indexes"> & { indexes: VectorColumnIndex[] }>(sql`
    with vectors as (
      ${vectorTypes}
    ), found as (
      select c.*, n.nspname, format('%I.%I', n.nspname, c.relname) as name
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p', 'f', 'm') and not c.relispartition
        and (${only ?? null}::text is null or c.oid = to_regclass(${only ?? null}::text))
        and not ${isInstallation} and not ${isRehearsal} and n.nspname !~ '^(pg_|information_schema$)'
        and exists (select from pg_attribute a
          where a.attrelid = c.oid and not a.attisdropped and a.atttypid in (select oid from vectors))
    ), described as (
      select a.attrelid, json_agg(json_build_object(
        'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod), 'base', t.typname, 'category', t.typcategory,
        'notNull', a.attnotnull,
        'dimensions', case when a.atttypid in (select oid from vectors) then nullif(a.atttypmod, -1) end
      ) order by a.attnum) as columns
      from pg_attribute a join pg_type t on t.oid = a.atttypid
      where a.attnum > 0 and not a.attisdropped group by a.attrelid
    )
    select nspname as schema, relname as table, name, columns,
      case relkind when 'f' then 'foreign table' when 'm' then 'materialized view' else 'table' end as kind,
      ${uniqueKeys(sql`c.oid`)} as keys, ${references} as references, ${vectorIndexes(sql`c.oid`)} as indexes,
      coalesce(sum_of.rows, nullif(reltuples, -1))::float8 as "estimatedRows",
      ceil(coalesce(sum_of.bytes, 0) / current_setting('block_size')::int)::int as pages,
      ${missingRights(sql`c.oid`)} as "missingRights",
      row_security_active(c.oid) as filtered,
      followed_by as "followedBy", 'reembed'::name::text = any (followed_by) as followed
    from found c join described on attrelid = c.oid
    left join lateral (
      select sum(nullif(l.reltuples, -1)) as rows, sum(pg_relation_size(l.oid)) as bytes
      from (select c.oid as relid where c.relkind <> 'p' union select relid from pg_partition_tree(c.oid) where isleaf) p
      join pg_class l on l.oid = p.relid
    ) sum_of on true
    cross join lateral (select array(
      select distinct n.nspname::text from pg_trigger g join pg_proc p on p.oid = g.tgfoid join pg_namespace n on n.oid = p.pronamespace
      where g.tgrelid = c.oid and not g.tgisinternal and ${isInstallation} order by 1) as followed_by) followers
    order by nspname, relname`);
  return rows.map((row) => ({
    ...row,
    indexes: Object.fromEntries(
      [...Map.groupBy(row.indexes, ({ of }) => of)].map(([of, found]) => [
        of,
        found.map(({ name, method, operatorClass }) => ({ name, method, operators: operatorClass })),
      ]),
    ),
  }));
}

/** The foreign keys of one column of table `c`, with the columns of the table that each refers to. */
const references = sql`
  coalesce((select json_agg(json_build_object('column', a.attname,
      'table', format('%I.%I', n.nspname, r.relname), 'key', b.attname,
      'columns', (select o.columns from described o where o.attrelid = r.oid)) order by f.oid)
    from pg_constraint f join pg_class r on r.oid = f.confrelid join pg_namespace n on n.oid = r.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum = f.conkey[1]
    join pg_attribute b on b.attrelid = r.oid and b.attnum = f.confkey[1]
    where f.conrelid = c.oid and f.contype = 'f' and cardinality(f.conkey) = 1), '[]')`;
