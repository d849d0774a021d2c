import { type SQL, sql } from "drizzle-orm";

/** What PostgreSQL's catalogue says about a table, as SQL over the table's oid. */

/** The rights that an adoption needs and this role lacks. */
export function missingRights(table: SQL): SQL {
  return sql`array(select r from unnest(array['SELECT', 'TRIGGER']) r where not has_table_privilege(${table}, r))`;
}

/** The columns of each unique index over all rows, the primary key's first, as a JSON array. */
export function uniqueKeys(table: SQL): SQL {
  return sql`
    coalesce((select json_agg(names order by indisprimary desc, indexrelid) from (
      select i.indisprimary, i.indexrelid, (select json_agg(a.attname order by k.place)
        from unnest(i.indkey) with ordinality k (number, place)
        join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number where k.place <= i.indnkeyatts) as names
      from pg_index i where i.indrelid = ${table} and i.indisunique and i.indisvalid
        and i.indpred is null and i.indexprs is null) keys), '[]')`;
}

/** Selects the oids of pgvector's types for dense vectors, whichever schema they are in. */
export const vectorTypes: SQL = sql`
  select t.oid from pg_type t
  join pg_depend d on d.classid = 'pg_type'::regclass and d.objid = t.oid and d.deptype = 'e'
  join pg_extension e on d.refclassid = 'pg_extension'::regclass and e.oid = d.refobjid
  where e.extname = 'vector' and t.typname in ('vector', 'halfvec')`;

/** The schema in which pgvector is installed, quoted. */
export const vectorSchema: SQL = sql`(
  select quote_ident(n.nspname) from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname = 'vector')`;

/** A valid index on vectors of a table. */
export interface VectorColumnIndex {
  /** The column. */
  of: string;
  name: string;
  /** `hnsw`, `ivfflat` or another extension's. */
  method: string;
  /** The class of operators, which says for which distance it is: `vector_cosine_ops`. */
  operatorClass: string;
  /** As in `with (m = 16)`; empty for none. */
  options: string[];
  /** Whether the indexed expression casts the column, because that has no length. */
  isCast: boolean;
  /** Whether it leaves rows out. */
  isPartial: boolean;
}

/** The `VectorColumnIndex`es of a table in the order of their creation, as a JSON array. */
export function vectorIndexes(table: SQL): SQL {
  return sql`
    coalesce((select json_agg(json_build_object('of', a.attname, 'name', x.relname, 'method', m.amname,
        'operatorClass', o.opcname, 'options', coalesce(x.reloptions, '{}'), 'isCast', i.indexprs is not null,
        'isPartial', i.indpred is not null) order by i.indexrelid)
      from pg_index i join pg_class x on x.oid = i.indexrelid join pg_am m on m.oid = x.relam
      join pg_opclass o on o.oid = i.indclass[0]
      join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = i.indexrelid
        and d.refclassid = 'pg_class'::regclass and d.refobjid = i.indrelid
      join pg_attribute a on a.attrelid = i.indrelid and a.attnum = d.refobjsubid and a.atttypid in (${vectorTypes})
      where i.indrelid = ${table} and i.indisvalid), '[]')`;
}
