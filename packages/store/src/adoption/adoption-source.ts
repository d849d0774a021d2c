import { ReembedError } from "@reembed/core";
import { sql } from "drizzle-orm";
import { type Queryable, sqlState } from "../database/database.ts";
import type { ChunkSource } from "../schema/corpus.ts";

interface TableColumn {
  name: string;
  /** With its length, for example `vector(312)`. */
  type: string;
  /** PostgreSQL's type category; `S` means strings. */
  category: string;
  notNull: boolean;
  /** Whether an index on this column alone makes it unique. */
  unique: boolean;
}

interface SourceTable {
  /** As SQL writes it. */
  name: string;
  columns: TableColumn[];
}

/**
 * Finds an application's tables and checks everything that an adoption needs: the columns with suitable types, an index
 * that finds a chunk, and the rights to read the tables and to create triggers on them.
 * @param wanted Tables as SQL writes them, with or without a schema.
 * @returns The source with the full names of its tables.
 * @throws ReembedError `table_missing`, `column_missing` or `column_unfit` (exit code 2), or `table_unfit` (3).
 */
export async function checkSource(database: Queryable, wanted: ChunkSource): Promise<ChunkSource> {
  const chunks = await readTable(database, wanted.table);
  requireType(chunks, wanted.id, "a whole number", isWhole);
  requireUnique(chunks, wanted.id);
  requireNotNull(chunks, wanted.id);
  await requireWithin(database, chunks.name, wanted.id, Number.MAX_SAFE_INTEGER);
  requireType(chunks, wanted.content, "a text", isText);
  requireType(chunks, wanted.embedding, "a vector or halfvec", ({ type }) => /^(vector|halfvec)$/.test(bareType(type)));
  requireType(chunks, wanted.position, "a whole number", isWhole);
  await requireWithin(database, chunks.name, wanted.position, 2 ** 31 - 1);
  const key = requireType(chunks, wanted.document, "a key", () => true);
  if (wanted.documents === undefined) return { ...wanted, table: chunks.name };

  const { documents } = wanted;
  const table = await readTable(database, documents.table);
  requireType(
    table,
    documents.key,
    `comparable with ${chunks.name}.${wanted.document}, which is ${key.type}`,
    (column) => {
      return keyType(column) === keyType(key);
    },
  );
  requireUnique(table, documents.key);
  for (const name of [documents.uri, documents.title, documents.language, documents.body]) {
    if (name !== undefined) requireType(table, name, "a text", isText);
  }
  return { ...wanted, table: chunks.name, documents: { ...documents, table: table.name } };
}

/** The dimensions in a column's type, such as `vector(312)`; undefined if the type has none. */
export async function readDimensions(
  database: Queryable,
  { table, embedding }: ChunkSource,
): Promise<number | undefined> {
  const { columns } = await readTable(database, table);
  const dimensions = /\((\d+)\)$/.exec(columns.find(({ name }) => name === embedding)?.type ?? "")?.[1];
  return dimensions === undefined ? undefined : Number(dimensions);
}

/** The type in which keys are compared, such that an index on them can be used: all integers in one type, and strings. */
export function keyType({ type, category }: Pick<TableColumn, "type" | "category">): string {
  if (/^(smallint|integer|bigint)$/.test(type)) return "bigint";
  return category === "S" ? "text" : type;
}

async function readTable(database: Queryable, name: string): Promise<SourceTable> {
  const asked = database.execute<{
    name: string;
    kind: string;
    filtered: boolean;
    missing: string[];
    columns: TableColumn[];
  }>(sql`
    select format('%I.%I', n.nspname, c.relname) as name, c.relkind as kind, row_security_active(c.oid) as filtered,
      array(select r from unnest(array['select', 'trigger']) r where not has_table_privilege(c.oid, r)) as missing,
      (select json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
          'category', t.typcategory, 'notNull', a.attnotnull, 'unique', exists (
            select from pg_index i where i.indrelid = c.oid and i.indisunique and i.indisvalid and i.indpred is null
              and i.indnkeyatts = 1 and i.indkey[0] = a.attnum)) order by a.attnum)
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
  if (!/^[rp]$/.test(table.kind))
    throw unfit(`${table.name} is not a table, and only tables can have the triggers that record changes.`);
  if (table.filtered) {
    throw unfit(
      `Row security hides rows of ${table.name} from this role.`,
      "Use a role in DATABASE_URL with BYPASSRLS, or the table's owner.",
    );
  }
  if (table.missing.length > 0) {
    const rights = table.missing.map((right) => right.toUpperCase()).join(", ");
    throw unfit(
      `This role lacks ${rights} on ${table.name}.`,
      `GRANT ${rights} ON ${table.name} TO the role in DATABASE_URL.`,
    );
  }
  return table;
}

function requireType(
  { name: table, columns }: SourceTable,
  wanted: string,
  kind: string,
  fits: (column: TableColumn) => boolean,
): TableColumn {
  const column = columns.find(({ name }) => name === wanted);
  if (column === undefined) {
    const present = columns.map(({ name }) => name).join(", ");
    throw new ReembedError("column_missing", `${table} has no column ${wanted}; it has ${present}.`, {
      exitCode: 2,
      remedy: "`reembed adopt --help` lists the option for each column.",
    });
  }
  if (fits(column)) return column;
  throw new ReembedError("column_unfit", `${table}.${wanted} is ${column.type}, but must be ${kind}.`, { exitCode: 2 });
}

function requireUnique({ name: table, columns }: SourceTable, wanted: string): void {
  if (columns.find(({ name }) => name === wanted)?.unique) return;
  throw unfit(
    `${table} has no unique index on ${wanted} alone, which is needed to look up single rows.`,
    `CREATE UNIQUE INDEX CONCURRENTLY ON ${table} (${wanted});`,
  );
}

function requireNotNull({ name: table, columns }: SourceTable, wanted: string): void {
  if (columns.find(({ name }) => name === wanted)?.notNull) return;
  throw unfit(
    `${table}.${wanted} may be null, but every chunk needs an id.`,
    `ALTER TABLE ${table} ALTER COLUMN ${wanted} SET NOT NULL;`,
  );
}

/**
 * Ids become numbers of JavaScript on their way to a worker and back: beyond 2^53 two of them could become equal. Positions
 * are integers here.
 */
async function requireWithin(database: Queryable, table: string, column: string, most: number): Promise<void> {
  const name = sql.identifier(column);
  const { rows } = await database.execute<{ value: string }>(sql`
    select value::text from (values
      ((select max(${name}) from ${sql.raw(table)})), ((select min(${name}) from ${sql.raw(table)}))) as ends (value)
    where value not between ${sql.raw(`${-most}`)} and ${sql.raw(`${most}`)}`);
  const [beyond] = rows;
  if (beyond === undefined) return;
  throw unfit(`${table}.${column} has the value ${beyond.value}, but values beyond ${most} cannot be adopted.`);
}

function isWhole({ type }: TableColumn): boolean {
  return keyType({ type, category: "" }) === "bigint";
}

function isText({ category }: TableColumn): boolean {
  return category === "S";
}

/** The type without its length and without the schema in which pgvector is installed. */
function bareType(type: string): string {
  return type.replace(/^.*\./, "").replace(/\(.*/, "");
}

function unfit(message: string, remedy?: string): ReembedError {
  return new ReembedError("table_unfit", message, { exitCode: 3, ...(remedy === undefined ? {} : { remedy }) });
}
