import { sql } from "drizzle-orm";
import type { VectorColumnIndex } from "../database/catalogue.ts";
import type { Database } from "../database/database.ts";
import { schemaOf } from "../database/installation.ts";
import { quoted } from "../database/quoted.ts";
import { exposedVectors } from "../exposure/exposed-vectors.ts";
import { besides, metricOf, readTableFacts, type TableFacts } from "../exposure/table-facts.ts";
import type { RegisteredProfile } from "../profiles/profiles.ts";
import type { ChunkSource } from "../schema/corpus.ts";

export interface HandOverPlan {
  profile: RegisteredProfile & { source: ChunkSource };
  table: TableFacts;
  /** Of this installation: with it begin the names that columns and indexes have beside the application's own. */
  schema: string;
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
  /** The indexes on the vectors, of which the new ones get the like. */
  indexes: VectorColumnIndex[];
  /** Views that show the old column under its number, and would go on showing it. */
  views: string[];
}

/** Reads how far the hand-over of a profile's vectors into the application's own table is, and what it would do. */
export async function planHandOver(
  database: Database,
  profile: RegisteredProfile & { source: ChunkSource },
  baselineDimensions: number,
): Promise<HandOverPlan> {
  const { source } = profile;
  const table = await readTableFacts(database, source);
  const { name } = table.vector;
  const schema = schemaOf(database);
  const newColumn = besides(schema, "new", name);
  const oldColumn = besides(schema, "old", name);
  const type = /halfvec/.test(table.vector.type) ? "halfvec" : "vector";
  const vectors = exposedVectors(profile, table, { type, baselineDimensions, isIndexed: false });
  const sized = `${table.vectorSchema}.${type}${table.length === null ? "" : `(${vectors.length})`}`;
  const { rows } = await database.execute<{ filling: boolean; done: boolean; views: string[] }>(sql`
    select exists (select from pg_attribute a where a.attrelid = t.oid and a.attname = ${newColumn} and not a.attisdropped) as filling,
      exists (select from pg_attribute a where a.attrelid = t.oid and a.attname = ${oldColumn} and not a.attisdropped) as done,
      array(select distinct v.oid::regclass::text from pg_attribute a
        join pg_depend d on d.refobjid = t.oid and d.refobjsubid = a.attnum and d.classid = 'pg_rewrite'::regclass
        join pg_rewrite r on r.oid = d.objid join pg_class v on v.oid = r.ev_class
        where a.attrelid = t.oid and a.attname = ${name} and v.relnamespace <> to_regnamespace('reembed')
        order by 1) as views
    from (select to_regclass(${source.table})::oid as oid) t`);
  const [row] = rows;
  return {
    profile,
    schema,
    table,
    column: quoted(name),
    newColumn: quoted(newColumn),
    oldColumn: quoted(oldColumn),
    type: sized,
    expression: `(${vectors.expression.replace("embedding", "e.embedding")})::${sized}`,
    length: vectors.length,
    state: row?.done ? "handed-over" : row?.filling ? "filling" : "none",
    indexes: table.indexes
      .filter(({ of, isPartial, operatorClass }) => of === name && !isPartial && metricOf(operatorClass) !== undefined)
      .toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    views: row?.views ?? [],
  };
}
