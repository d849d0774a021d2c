import { messageOf, ReembedError } from "@reembed/core";
import { sql } from "drizzle-orm";
import type { Database } from "../database/database.ts";
import type { AdoptedSource, ChunkSource, DocumentSource } from "../schema/corpus.ts";
import { bareName } from "./adopted-relation.ts";
import { judgeRows, type Objection } from "./judge-rows.ts";
import {
  bareType,
  findColumn,
  isWhole,
  keyType,
  readTable,
  type SourceTable,
  type TableColumn,
} from "./source-table.ts";

type Kind = { name: string; fits: (type: Type) => boolean; remedy: (expression: string) => string };
type Type = Pick<TableColumn, "type" | "category">;

const isText = ({ category }: Type) => category === "S";
const isKey = (type: Type) => isText(type) || /^(bigint|uuid|numeric)$/.test(keyType(type));
const isJson = ({ type }: Type) => /^jsonb?$/.test(type);
const asText = (expression: string) =>
  `Write an expression with a text, for example (${expression})::text or ${expression}->>'source'.`;

/** What each part of a source must be. */
const kinds = {
  content: { name: "a text", fits: isText, remedy: asText },
  embedding: {
    name: "a vector or halfvec",
    fits: ({ type }: Type) => /^(vector|halfvec)$/.test(bareType(type)),
    remedy: () => "Give the column of the vectors with --embedding.",
  },
  document: { name: "a text, a whole number, a numeric or a uuid", fits: isKey, remedy: asText },
  position: {
    name: "a number",
    fits: ({ category }: Type) => category === "N",
    remedy: (expression: string) => `Write (${expression})::bigint.`,
  },
  title: { name: "a text", fits: isText, remedy: asText },
  language: { name: "a text", fits: isText, remedy: asText },
  metadata: {
    name: "json or jsonb",
    fits: isJson,
    remedy: (expression: string) => `Write jsonb_build_object('name', ${expression}).`,
  },
  where: { name: "a condition", fits: ({ type }: Type) => type === "boolean", remedy: () => "Write a comparison." },
} satisfies Record<string, Kind>;

type Part = keyof typeof kinds;
const optional = new Set<Part>(["document", "position", "title", "language", "metadata", "where"]);

/**
 * Finds an application's tables and checks everything that an adoption needs: expressions with suitable types, an index that
 * finds a chunk, and the rights to read the tables and to create triggers on them. Each part of `wanted` is a column's name
 * or an SQL expression over the columns.
 * @returns The source with quoted columns and the full names of its tables.
 * @throws ReembedError `table_missing` (exit code 2), or `table_unfit` (3) with every objection and what to do instead.
 */
export async function checkSource(database: Database, wanted: ChunkSource): Promise<AdoptedSource> {
  const objections: Objection[] = [];
  const table = await readTable(database, wanted.table);
  objections.push(...judgeTable(table));
  const key = judgeKey(table, wanted.id, objections);
  const parts: Partial<Record<Part, string>> = {};
  const types: Partial<Record<Part, Type>> = {};
  for (const [part, kind] of Object.entries(kinds) as [Part, Kind][]) {
    const given = wanted[part];
    if (given === undefined) continue;
    const expression = findColumn(table, given)?.sql ?? given;
    const type = await typeOf(database, table, expression, part);
    parts[part] = expression;
    if (typeof type === "string") objections.push(unreadable(table, part, given, type));
    else if (!kind.fits(type)) objections.push(unfit(table, part, given, type));
    else types[part] = type;
  }
  const documents = await judgeDocuments(database, wanted.documents, types.document, objections);
  const whole = key.length === 1 && key.every(isWhole);
  const source: AdoptedSource = {
    ...wanted,
    ...parts,
    table: table.name,
    id: key.map((column) => column.sql),
    ...(documents === undefined ? {} : { documents }),
    idTypes: key.map(comparedType),
    documentType:
      types.document === undefined ? (key.length === 1 ? key.map(keyType).join() : "text") : keyType(types.document),
    numbered: !(whole && (await fitsNumber(database, table, key))),
  };
  if (objections.length === 0) objections.push(...(await judgeRows(database, source)));
  if (objections.length > 0) throw refuse(table.name, objections);
  return source;
}

/** The dimensions in a column's type, such as `vector(312)`; undefined if the type has none. */
export async function readDimensions(
  database: Database,
  { table, embedding }: ChunkSource,
): Promise<number | undefined> {
  const column = findColumn(await readTable(database, table), embedding);
  const dimensions = /\((\d+)\)$/.exec(column?.type ?? "")?.[1];
  return dimensions === undefined ? undefined : Number(dimensions);
}

function judgeTable(table: SourceTable): Objection[] {
  const { name, isTable, filtered, missing } = table;
  const objections: Objection[] = [];
  if (!isTable) {
    objections.push({
      says: `${name} is not a table, and only tables can have the triggers that record changes.`,
      remedy: "Give the table that it reads.",
    });
  }
  if (filtered) {
    objections.push({
      says: `Row security hides rows of ${name} from this role.`,
      remedy: "Use a role in DATABASE_URL with BYPASSRLS, or the table's owner.",
    });
  }
  if (missing.length > 0) {
    const rights = missing.join(", ");
    objections.push({
      says: `This role lacks ${rights} on ${name}.`,
      remedy: `GRANT ${rights} ON ${name} TO the role in DATABASE_URL.`,
    });
  }
  return objections;
}

/** The columns of the key. Several may be given in one text, separated by commas. */
function judgeKey(table: SourceTable, wanted: readonly string[], objections: Objection[]): TableColumn[] {
  const names = wanted.flatMap((given) =>
    findColumn(table, given) ? [given] : given.split(",").map((part) => part.trim()),
  );
  const key = names.flatMap((name) => findColumn(table, name) ?? []);
  if (key.length < names.length) {
    const missing = names.filter((name) => findColumn(table, name) === undefined);
    objections.push({ says: `${hasNo(table, missing.join(", "))}`, remedy: "Give the columns of its key with --id." });
    return key;
  }
  const columns = key.map((column) => column.sql).join(", ");
  for (const column of key) {
    if (!isKey(column)) {
      objections.push({
        says: `${table.name}.${column.name} is ${column.type}, but an id must be a text, a whole number, a numeric or a uuid.`,
        remedy: "Give other columns that identify a row with --id.",
      });
    }
    if (!column.notNull) {
      objections.push({
        says: `${table.name}.${column.name} may be null, but every chunk needs an id.`,
        remedy: `ALTER TABLE ${table.name} ALTER COLUMN ${column.sql} SET NOT NULL;`,
      });
    }
  }
  const wantedKey = key.map(({ name }) => name).sort();
  if (!table.uniqueKeys.some((unique) => `${[...unique].sort()}` === `${wantedKey}`)) {
    objections.push({
      says: `${table.name} has no unique index on ${key.map(({ name }) => name).join(", ")} alone, which is needed to look up single rows.`,
      remedy: `CREATE UNIQUE INDEX CONCURRENTLY ON ${table.name} (${columns});`,
    });
  }
  return key;
}

async function judgeDocuments(
  database: Database,
  wanted: DocumentSource | undefined,
  chunkKey: Type | undefined,
  objections: Objection[],
): Promise<DocumentSource | undefined> {
  if (wanted === undefined) return undefined;
  const table = await readTable(database, wanted.table);
  objections.push(...judgeTable(table));
  const documents: DocumentSource = { ...wanted, table: table.name };
  for (const part of ["key", "uri", "title", "language", "body"] as const) {
    const given = wanted[part];
    if (given === undefined) continue;
    const expression = findColumn(table, given)?.sql ?? given;
    documents[part] = expression;
    const type = await typeOf(database, table, expression, "title");
    if (typeof type === "string") objections.push(unreadable(table, `documents-${part}`, given, type));
    else if (part === "key") {
      if (chunkKey !== undefined && keyType(type) !== keyType(chunkKey)) {
        objections.push({
          says: `${table.name}.${given} is ${type.type}, but must be comparable with the chunks' --document, which is ${chunkKey.type}.`,
          remedy: `Give an expression of that type with --documents-key.`,
        });
      }
    } else if (!isText(type)) {
      objections.push({ says: `${table.name}.${given} is ${type.type}, but must be a text.`, remedy: asText(given) });
    }
  }
  const key = findColumn(table, wanted.key);
  if (key !== undefined && !table.uniqueKeys.some((unique) => `${unique}` === key.name)) {
    objections.push({
      says: `${table.name} has no unique index on ${key.name} alone, which is needed to look up single rows.`,
      remedy: `CREATE UNIQUE INDEX CONCURRENTLY ON ${table.name} (${key.sql});`,
    });
  }
  return documents;
}

/**
 * The type of an expression, or the error that it gives. What triggers evaluate is parsed as they parse it, with nothing but
 * PostgreSQL's own names in reach.
 */
async function typeOf(database: Database, table: SourceTable, expression: string, part: Part): Promise<Type | string> {
  const statement = sql`
    select format_type(pg_typeof(x.value), null) as type, t.typcategory as category
    from (select 1) one left join (
      select (${sql.raw(expression)}) as value from ${sql.raw(table.name)} as ${sql.raw(bareName(table.name))} limit 0
    ) x on true join pg_type t on t.oid = pg_typeof(x.value)`;
  try {
    const { rows } = await database.transaction(async (transaction) => {
      if (part !== "embedding") await transaction.execute(sql`set local search_path = pg_catalog, pg_temp`);
      return await transaction.execute<Type & Record<string, unknown>>(statement);
    });
    return rows[0] ?? "it has no type";
  } catch (error) {
    return messageOf(error);
  }
}

function unreadable(table: SourceTable, part: string, given: string, reason: string): Objection {
  const leave = optional.has(part as Part) ? `, or --no-${part}` : "";
  if (/^[\w ]+$/.test(given))
    return { says: hasNo(table, given), remedy: `Give a column or an expression with --${part}${leave}.` };
  return {
    says: `--${part} ${given} cannot be read from ${table.name}: ${reason}.`,
    remedy: `It has the columns ${columnNames(table)}. Functions of extensions need their schema${leave}.`,
  };
}

function hasNo(table: SourceTable, column: string): string {
  return `${table.name} has no column ${column}; it has ${columnNames(table)}.`;
}

function columnNames({ columns }: SourceTable): string {
  return columns.map(({ name }) => name).join(", ");
}

function unfit(table: SourceTable, part: Part, given: string, { type }: Type): Objection {
  const what = findColumn(table, given) === undefined ? `--${part} ${given}` : `${table.name}.${given}`;
  return { says: `${what} is ${type}, but must be ${kinds[part].name}.`, remedy: kinds[part].remedy(given) };
}

function comparedType(column: TableColumn): string {
  const type = keyType(column);
  return column.collation === null ? type : `${type} collate ${column.collation}`;
}

/** Ids become numbers of JavaScript on their way to a worker and back: beyond 2^53 two of them could become equal. */
async function fitsNumber(database: Database, { name }: SourceTable, key: readonly TableColumn[]): Promise<boolean> {
  const column = sql.raw(key.map((part) => part.sql).join());
  const most = sql.raw(`${Number.MAX_SAFE_INTEGER}`);
  const table = sql.raw(name);
  const { rows } = await database
    .execute<{ fits: boolean }>(sql`
      select coalesce((select max(${column}) from ${table}) <= ${most} and (select min(${column}) from ${table}) >= -${most}, true)
        as fits`)
    .catch(() => ({ rows: [{ fits: true }] }));
  return rows[0]?.fits === true;
}

function refuse(table: string, objections: readonly Objection[]): ReembedError {
  const [first, ...others] = objections;
  if (first !== undefined && others.length === 0) {
    return new ReembedError("table_unfit", first.says, { exitCode: 3, remedy: first.remedy });
  }
  const list = objections.map(({ says, remedy }) => `\n  - ${says} ${remedy}`).join("");
  return new ReembedError("table_unfit", `${table} cannot be adopted like this:${list}`, { exitCode: 3 });
}
