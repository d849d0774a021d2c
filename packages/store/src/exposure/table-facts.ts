import { createHash } from "node:crypto";
import { ReembedError } from "@reembed/core";
import { sql } from "drizzle-orm";
import { type VectorColumnIndex, vectorIndexes, vectorSchema } from "../database/catalogue.ts";
import type { Queryable } from "../database/database.ts";
import type { ChunkSource } from "../schema/corpus.ts";

export interface ExposedColumn {
  name: string;
  /** With its length, as in `vector(312)`. */
  type: string;
  notNull: boolean;
  /** SQL of its default; null for none. */
  default: string | null;
  /** Whether PostgreSQL numbers it, and whether a statement may give it a value. */
  identity: "always" | "by default" | null;
  /** Whether PostgreSQL computes it from others. */
  generated: boolean;
}

/** How distances are ordered by: the words in the names of pgvector's operator classes. */
export type Metric = "cosine" | "ip" | "l2";

/** An application's table, as a view of the same shape needs it. */
export interface TableFacts {
  /** Without its schema, not quoted. */
  name: string;
  /** Its schema, not quoted. */
  schema: string;
  columns: ExposedColumn[];
  /** The column with the vectors. */
  vector: ExposedColumn;
  /** The length in the vector column's type; null if it has none. */
  length: number | null;
  /** The metric of an index on its vectors; cosine if there is none. */
  metric: Metric;
  /** The schema in which pgvector is installed, quoted. */
  vectorSchema: string;
  /** The valid indexes on its vectors. */
  indexes: VectorColumnIndex[];
  owner: string;
  /** Whether this session's role is the owner, or a member of it. */
  isOwned: boolean;
  isPartitioned: boolean;
}

/** Columns that a hand-over of any installation has beside the application's own. */
export const besidesColumns = "^reembed(_[a-z0-9]+)*_(new|old)_";

/**
 * The name of a column or an index that a hand-over has beside the application's own. PostgreSQL cuts names after 63 bytes:
 * of a longer one, a hash keeps apart what differs only behind that.
 */
export function besides(schema: string, which: "new" | "old", name: string): string {
  const full = `${schema}_${which}_${name}`;
  const bytes = Buffer.from(full);
  if (bytes.length <= 63) return full;
  const start = bytes
    .subarray(0, 54)
    .toString()
    .replace(/\uFFFD+$/, "");
  return `${start}_${createHash("sha256").update(full).digest("hex").slice(0, 8)}`;
}

export async function readTableFacts(database: Queryable, source: ChunkSource): Promise<TableFacts> {
  const { rows } = await database.execute<{
    name: string;
    schema: string;
    owner: string;
    owned: boolean;
    partitioned: boolean;
    columns: ExposedColumn[];
    indexes: VectorColumnIndex[];
    vectorSchema: string;
  }>(sql`
    select c.relname as name, n.nspname as schema, pg_get_userbyid(c.relowner) as owner,
      pg_has_role(c.relowner, 'USAGE') as owned, c.relkind = 'p' as partitioned,
      ${vectorSchema} as "vectorSchema", ${vectorIndexes(sql`c.oid`)} as indexes,
      (select json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
          'notNull', a.attnotnull, 'default', case when a.attgenerated = '' then pg_get_expr(d.adbin, d.adrelid) end,
          'identity', case a.attidentity when 'a' then 'always' when 'd' then 'by default' end,
          'generated', a.attgenerated <> '') order by a.attnum)
        from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attname !~ ${besidesColumns}) as columns
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = to_regclass(${source.table})`);
  const [row] = rows;
  const vector = row?.columns.find(({ name, type }) => isVector(type) && mentions(source.embedding, name));
  if (row === undefined || vector === undefined) {
    throw new ReembedError("adopted_table_gone", `The adopted table ${source.table} has no vectors any more.`, {
      exitCode: 3,
      remedy: "It was dropped, or its column of vectors was. A backup has both.",
    });
  }
  const { owned, partitioned, ...facts } = row;
  const length = /\((\d+)\)$/.exec(vector.type)?.[1];
  const metrics = row.indexes.flatMap(({ operatorClass }) => metricOf(operatorClass) ?? []);
  return {
    ...facts,
    vector,
    length: length === undefined ? null : Number(length),
    metric: metrics.includes("cosine") ? "cosine" : (metrics[0] ?? "cosine"),
    isOwned: owned,
    isPartitioned: partitioned,
  };
}

/** The metric of a class of pgvector's operators for dense vectors; undefined for another class. */
export function metricOf(operatorClass: string): Metric | undefined {
  return /^(?:vector|halfvec)_(cosine|ip|l2)_ops$/.exec(operatorClass)?.[1] as Metric | undefined;
}

function isVector(type: string): boolean {
  return /^(.*\.)?(vector|halfvec)(\(\d+\))?$/.test(type);
}

/** Whether an adoption's column or expression is about this column. */
function mentions(expression: string, column: string): boolean {
  const words = expression.match(/"(?:[^"]|"")+"|[\p{L}_][\p{L}\p{N}_$]*/gu) ?? [];
  return words.some((word) => (word.startsWith('"') ? word.slice(1, -1).replaceAll('""', '"') : word) === column);
}
