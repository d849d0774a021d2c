import { sql } from "drizzle-orm";
import { quoted } from "../adoption/adoption.ts";
import type { Queryable } from "../database/database.ts";
import { exposedVectors } from "../exposure/exposed-vectors.ts";
import { newColumn, oldColumn, readTableFacts, type TableFacts } from "../exposure/table-facts.ts";
import type { RegisteredProfile } from "../profiles/profiles.ts";
import type { ChunkSource } from "../schema/corpus.ts";

/** An index on the table's vectors, and the statement's parts for one like it on the new ones. */
export interface VectorIndex {
  name: string;
  method: string;
  operatorClass: string;
  /** As in `with (m = 16)`; empty for none. */
  options: string[];
  /** Whether the indexed expression casts the column, because that has no length. */
  isCast: boolean;
}

export interface HandOverPlan {
  profile: RegisteredProfile & { source: ChunkSource };
  table: TableFacts;
  /** Quoted names of the columns: the application's, and its two names beside it. */
  column: string;
  newColumn: string;
  oldColumn: string;
  /** The type of the new column, with its length if the old one has one. */
  type: string;
  /** The new vector over `e.embedding`. */
  expression: string;
  /** The dimensions of the new vectors, zeros included. */
  length: number;
  /** `none`: nothing was done. `filling`: the new column exists. `handed-over`: the names are exchanged. */
  state: "none" | "filling" | "handed-over";
  indexes: VectorIndex[];
  /** Views that show the old column under its number, and would go on showing it. */
  views: string[];
}

/** Reads how far the hand-over of a profile's vectors into the application's own table is, and what it would do. */
export async function planHandOver(
  database: Queryable,
  profile: RegisteredProfile & { source: ChunkSource },
  baselineDimensions: number,
): Promise<HandOverPlan> {
  const { source } = profile;
  const table = await readTableFacts(database, source);
  const { name } = table.vector;
  const type = /halfvec/.test(table.vector.type) ? "halfvec" : "vector";
  const vectors = exposedVectors(profile, table, { type, baselineDimensions, isIndexed: false });
  const sized = `${table.vectorSchema}.${type}${table.length === null ? "" : `(${vectors.length})`}`;
  const { rows } = await database.execute<{ filling: boolean; done: boolean; views: string[] }>(sql`
    select exists (select from pg_attribute a where a.attrelid = t.oid and a.attname = ${newColumn(name)} and not a.attisdropped) as filling,
      exists (select from pg_attribute a where a.attrelid = t.oid and a.attname = ${oldColumn(name)} and not a.attisdropped) as done,
      array(select distinct v.oid::regclass::text from pg_attribute a
        join pg_depend d on d.refobjid = t.oid and d.refobjsubid = a.attnum and d.classid = 'pg_rewrite'::regclass
        join pg_rewrite r on r.oid = d.objid join pg_class v on v.oid = r.ev_class
        where a.attrelid = t.oid and a.attname = ${name} and v.relnamespace <> to_regnamespace('reembed')
        order by 1) as views
    from (select to_regclass(${source.table})::oid as oid) t`);
  const [row] = rows;
  return {
    profile,
    table,
    column: quoted(name),
    newColumn: quoted(newColumn(name)),
    oldColumn: quoted(oldColumn(name)),
    type: sized,
    expression: `(${vectors.expression.replace("embedding", "e.embedding")})::${sized}`,
    length: vectors.length,
    state: row?.done ? "handed-over" : row?.filling ? "filling" : "none",
    indexes: await readVectorIndexes(database, source.table, name),
    views: row?.views ?? [],
  };
}

async function readVectorIndexes(database: Queryable, table: string, column: string): Promise<VectorIndex[]> {
  const { rows } = await database.execute<{
    name: string;
    method: string;
    operator_class: string;
    options: string[];
    cast: boolean;
  }>(sql`
    select c.relname as name, m.amname as method, o.opcname as operator_class, coalesce(c.reloptions, '{}') as options,
      i.indexprs is not null as cast
    from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am m on m.oid = c.relam
    join pg_opclass o on o.oid = i.indclass[0]
    where i.indrelid = to_regclass(${table}) and i.indisvalid and i.indnatts = 1 and i.indpred is null
      and o.opcname ~ '^(vector|halfvec)_(cosine|ip|l2)_ops$'
      and exists (select from pg_depend d join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
        where d.objid = i.indexrelid and d.refobjid = i.indrelid and a.attname = ${column})
    order by 1`);
  return rows.map(({ operator_class: operatorClass, cast: isCast, ...index }) => ({ ...index, operatorClass, isCast }));
}
