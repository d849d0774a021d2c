import { storedSql } from "../database/quoted.ts";
import type { AdoptedSource, DocumentSource } from "../schema/corpus.ts";

/** The column of an adopted relation with the application's key of a document. */
export const sourceKey = "source_document";

/**
 * The chunks of an adopted table, as a subquery without an alias. Everything that reads an adopted chunking reads this.
 * Nothing in PostgreSQL's catalogue refers to the table, so its owner may change and drop it as before.
 *
 * The application's expressions stand in a SELECT whose FROM has only its own table, so that no column of ours can take the
 * place of one of theirs. An id is not cast: an index on an `integer` is only used for a `bigint` if the column stands alone.
 *
 * A row on which an expression fails has an empty text and none of the values that may fail.
 */
export function adoptedChunks(chunking: string, source: AdoptedSource, extra: readonly (keyof AdoptedSource)[] = []) {
  const offset = (which: string) =>
    `coalesce((select o.${which} from reembed.chunk_offsets o where o.chunking = '${chunking}' and o.chunk_id = r.id), 0)`;
  const isFailing = failsAnywhere(source) ? failingCondition(chunking, source) : undefined;
  const unlessFailing = (expression: string) =>
    isFailing === undefined ? expression : `case when ${isFailing} then null else ${expression} end`;
  const guarded = (expression: string) => (mayFail(expression) ? unlessFailing(`(${expression})`) : `(${expression})`);
  const named = [...extra, ...(["title", "language", "metadata"] as const)].filter(
    (name) => source[name] !== undefined,
  );
  const document = source.document === undefined ? documentKey(source) : guarded(source.document);
  const position = `(${source.position ?? "0"})::bigint`;
  const rows = `(select ${rowId(source)}, ${document} as ${sourceKey},
      coalesce(${mayFail(source.position) ? unlessFailing(position) : position}, 0) as position,
      coalesce(${unlessFailing(`(${source.content})::text`)}, '') as content
      ${named.map((name) => `, ${guarded(`${source[name]}`)} as source_${name}`).join("")}
    ${fromRows(source)})`;
  return `(${readsTable(source.table)}
    select r.id, (select d.id from reembed.documents d where d.source_key = coalesce(r.${sourceKey}::text, '')) as document_id,
      r.position, ${offset("start_offset")} as start_offset, ${offset("end_offset")} as end_offset, r.content, r.${sourceKey}
      ${named.map((name) => `, r.source_${name}`).join("")}
    from ${withNumbers(chunking, source, rows)} r)`;
}

/** Everything that an adopted chunking is read from. */
export function readFrom(chunking: string, source: AdoptedSource) {
  return {
    relation: adoptedChunks(chunking, source),
    keys: adoptedKeys(source),
    expressions: adoptedExpressions(chunking, source),
  };
}

/** The same as it is stored, for functions of the database. */
export function stored({ relation, keys, expressions }: ReturnType<typeof readFrom>) {
  const orNull = (piece: string | null) => (piece === null ? null : storedSql(piece));
  return { relation: storedSql(relation), keys: orNull(keys), expressions: orNull(expressions) };
}

/**
 * What the expressions give for each row, as a subquery without an alias: its id, and each expression under its name. Null
 * if none may fail on a row.
 */
function adoptedExpressions(chunking: string, source: AdoptedSource): string | null {
  if (!failsAnywhere(source)) return null;
  const types = {
    content: "text",
    position: "bigint",
    document: "text",
    title: "text",
    language: "text",
    metadata: "jsonb",
  };
  const parts = Object.entries(types).map(([name, type]) => {
    return `(${source[name as keyof typeof types] ?? "null"})::${type} as ${name}`;
  });
  const rows = `(select ${[rowId(source), ...parts].join(", ")} ${fromRows(source)})`;
  return `(${readsTable(source.table)} select r.* from ${withNumbers(chunking, source, rows)} r)`;
}

/** Rows with their number as id, where they have one. */
function withNumbers(chunking: string, source: AdoptedSource, rows: string): string {
  if (!source.numbered) return rows;
  const columns = source.id.map((_, index) => `r.key_${index + 1}`);
  return `(select k.id, r.* from ${rows} r
    join reembed.chunk_keys k on k.chunking = '${chunking}' and ${sameKey(source, columns, "r.key")})`;
}

/** Whether a row of the application's table was set aside: a condition over its columns. */
function failingCondition(chunking: string, source: AdoptedSource): string {
  const failing = `reembed.failing_rows f`;
  return source.numbered
    ? `${keyText(source)} in (select k.key from ${failing} join reembed.chunk_keys k
        on k.chunking = f.chunking and k.id = f.chunk_id where f.chunking = '${chunking}')`
    : `${source.id} in (select f.chunk_id from ${failing} where f.chunking = '${chunking}')`;
}

function failsAnywhere({ content, position, document, title, language, metadata }: AdoptedSource): boolean {
  return [content, position, document, title, language, metadata].some(mayFail);
}

/** A column or a part of its JSON, or the first of several that is not null, cannot fail on a row. */
export function mayFail(expression: string | undefined): boolean {
  if (expression === undefined) return false;
  const bare = expression.replaceAll(/'(?:[^']|'')*'/g, "0").replaceAll(/"(?:[^"]|"")*"/g, "c");
  const words = bare.replaceAll(/\b(coalesce|nullif) *(?=\()/gi, "");
  return /\bselect\b|\w *\(/i.test(words) || !/^[\w\s]*$/.test(words.replaceAll(/->>?|#>>?|[(),]/g, " "));
}

/** The rows of an application's table of documents, as a subquery without an alias. */
export function adoptedDocuments({ table, key, uri, title, language, body }: DocumentSource): string {
  const text = (expression: string | undefined) => (expression === undefined ? "null::text" : `(${expression})::text`);
  return `(${readsTable(table)}
    select (${key}) as ${sourceKey}, ${text(uri)} as uri, ${text(title)} as title, ${text(language)} as language,
      ${text(body)} as body
    from ${table})`;
}

/**
 * The ids of a chunking's chunks, as a subquery without an alias. Rows that need numbers are not joined with them, which
 * takes several times as long: a number whose row was deleted a moment ago is among the ids.
 */
export function chunkIds({ chunking, relation, source }: ReadChunking): string {
  return source?.numbered ? `(select id from reembed.chunk_keys where chunking = '${chunking}')` : relation;
}

interface ReadChunking {
  chunking: string;
  relation: string;
  source: AdoptedSource | null;
}

/**
 * The keys of the rows as text, and the columns `key_1` and so on that they are made of; null unless rows need numbers.
 * @param extra Further columns.
 */
export function adoptedKeys(source: AdoptedSource, extra: readonly string[] = []): string | null {
  const columns = [rowId(source), ...extra].join(", ");
  return source.numbered ? `(${readsTable(source.table)} select ${columns} ${fromRows(source)})` : null;
}

/**
 * What a row is identified by, as text: SQL over its columns.
 * @param row The alias of the row, or the name of a trigger's record; without it, columns stand alone.
 */
export function keyText({ id, idTypes }: Pick<AdoptedSource, "id" | "idTypes">, row?: string): string {
  // 1.0 and 1.00 are one key.
  const texts = id.map((column, index) => {
    const value = row === undefined ? column : `${row}.${column}`;
    return idTypes[index] === "numeric" ? `trim_scale(${value})::text` : `${value}::text`;
  });
  // With the collation of our own column, whatever the application's column has.
  return `((${texts.length === 1 ? texts[0] : `array[${texts.join(", ")}]::text`}) collate "default")`;
}

/** The key of a row's document; without one, the row is its own document. */
export function documentKey(source: AdoptedSource): string {
  if (source.document !== undefined) return `(${source.document})`;
  return source.id.length === 1 ? `${source.id}` : keyText(source);
}

/** The bare name of a table, by which expressions may refer to it. */
export function bareName(table: string): string {
  return /(?:"(?:[^"]|"")*"|[^".]+)$/.exec(table)?.[0] ?? table;
}

/** The application's tables that a corpus is read from. */
export function adoptedTables({ table, documents }: AdoptedSource): string[] {
  return documents === undefined ? [table] : [table, documents.table];
}

const mark = /\/\* adopted table (.+?) \*\//;

/** Named in a comment, so that an error of a statement can say whose table it is about. */
function readsTable(table: string): string {
  return `/* adopted table ${table.replaceAll("*/", "")} */`;
}

/** The adopted table that a statement reads; undefined if it reads none. */
export function adoptedTableOf(statement: string): string | undefined {
  return mark.exec(statement)?.[1];
}

function fromRows({ table, where }: AdoptedSource): string {
  return `from ${table}${where === undefined ? "" : ` where (${where})`}`;
}

function rowId(source: AdoptedSource): string {
  if (!source.numbered) return `${source.id} as id`;
  return [`${keyText(source)} as key`, ...source.id.map((column, index) => `${column} as key_${index + 1}`)].join(", ");
}

/**
 * Whether a row has the key of a number `k`: by the column, whose index finds the row, as ours on the same expression finds
 * the number; and by the text, because a citext or a number may equal another spelling. As a condition of its own the text
 * would count twice: the planner would expect one row of a join that has all, and sort whole tables for a page. The number
 * of a key of several columns is found by its text.
 * @param columns The columns of the row's key, in the order of `idTypes`.
 * @param text The row's key as text.
 */
function sameKey(source: AdoptedSource, columns: readonly string[], text: string): string {
  const byColumns = sameColumns(source, columns);
  const byText = columns.length > 1 ? `${text} = k.key` : `case when ${text} = k.key then true else false end`;
  return [...byColumns, byText].join(" and ");
}

/** The conditions by the columns alone. */
export function sameColumns({ idTypes }: AdoptedSource, columns: readonly string[]): string[] {
  return idTypes.map((type, index) => {
    const part = idTypes.length === 1 ? "k.key" : `(k.key::text[])[${index + 1}]`;
    return `${columns[index]} = ${part}::${type}`;
  });
}

/** The statement that creates the index by which `sameKey` finds the number of a row; none for keys of several columns. */
export function keyIndexStatement(chunking: string, { idTypes, numbered }: AdoptedSource): string | undefined {
  if (!numbered || idTypes.length > 1) return undefined;
  return `create index if not exists "chunk_keys_${chunking}" on reembed.chunk_keys ((key::${idTypes}))
    where chunking = '${chunking}'`;
}
