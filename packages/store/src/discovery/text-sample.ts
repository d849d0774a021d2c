import { type SQL, sql } from "drizzle-orm";
import { bareName } from "../adoption/adopted-relation.ts";
import type { Queryable } from "../database/database.ts";

/** A table that holds rows itself: the table of that name, or each of its partitions. */
export interface TableLeaf {
  /** The quoted name. */
  name: string;
  blocks: number;
}

export interface TableSize {
  /** With its indexes and what is stored out of line. */
  bytes: number;
  leaves: TableLeaf[];
}

/** The rows of one block of a table, and some of their texts. */
export interface BlockOfTexts {
  rows: number;
  /** The texts' bytes in UTF-8. */
  bytes: number;
  /** Chosen at random; null where a row has no text. */
  texts: (string | null)[];
}

export interface TextBlocks {
  /** The table's name as SQL writes it; expressions may qualify their columns by it. */
  table: string;
  /** An SQL expression with the text. */
  content: string;
  /** Which rows count; by default all. */
  where: string | null;
  /** Blocks by the name of their leaf and their number from 0. */
  blocks: readonly { leaf: string; number: number }[];
  textsPerBlock: number;
}

export async function readTableSize(database: Queryable, table: string): Promise<TableSize> {
  const { rows } = await database.execute<{ name: string; blocks: number; bytes: string }>(sql`
    select format('%I.%I', n.nspname, c.relname) as name, pg_total_relation_size(c.oid) as bytes,
      (pg_relation_size(c.oid) / current_setting('block_size')::int)::int as blocks
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind <> 'p' and (c.oid = to_regclass(${table})
      or c.oid in (select relid from pg_partition_tree(to_regclass(${table}))))
    order by c.oid`);
  return {
    bytes: rows.reduce((sum, { bytes }) => sum + Number(bytes), 0),
    leaves: rows.map(({ name, blocks }) => ({ name, blocks })),
  };
}

/** Planning a statement of this many parts takes some milliseconds. */
const blocksTogether = 50;

/**
 * Reads chosen blocks of a table, and no others: a range of ctids is read without an index. Blocks without a row that counts
 * come back with zeros.
 */
export async function readTextBlocks(database: Queryable, { blocks, ...options }: TextBlocks): Promise<BlockOfTexts[]> {
  const read: BlockOfTexts[] = [];
  for (let start = 0; start < blocks.length; start += blocksTogether) {
    const parts = blocks.slice(start, start + blocksTogether).map((block) => readBlock(block, options));
    const { rows } = await database.execute<BlockOfTexts & Record<string, unknown>>(sql.join(parts, sql` union all `));
    read.push(...rows.map(({ rows: count, bytes, texts }) => ({ rows: count, bytes, texts: texts ?? [] })));
  }
  return read;
}

/** Rows are put in random order with their texts still compressed or out of line; only the chosen ones are read. */
function readBlock(
  { leaf, number }: TextBlocks["blocks"][number],
  { table, content, where, textsPerBlock }: Omit<TextBlocks, "blocks">,
): SQL {
  const [from, to] = [number, number + 1].map((block) => sql.raw(`'(${block},0)'::tid`));
  return sql`
    (select count(*)::int as rows, coalesce(sum(octet_length(content)), 0)::float8 as bytes,
      json_agg(content) filter (where place <= ${textsPerBlock}::int) as texts
    from (
      select row_number() over (order by random()) as place, (${sql.raw(content)})::text as content
      from only ${sql.raw(leaf)} as ${sql.raw(bareName(table))}
      where ctid >= ${from} and ctid < ${to} ${where === null ? sql`` : sql`and (${sql.raw(where)})`}
    ) rows_of_block)`;
}
