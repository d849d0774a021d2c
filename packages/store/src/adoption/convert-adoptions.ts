import { sql } from "drizzle-orm";
import type { Database } from "../database/database.ts";
import { quoted } from "../database/quoted.ts";
import type { AdoptedSource, DocumentSource } from "../schema/corpus.ts";
import { adoptedFunction, profileView } from "../schema/relations.ts";
import { readFrom } from "./adopted-relation.ts";
import { replaceSource } from "./replace-source.ts";
import { findColumn, keyType, readTable } from "./source-table.ts";

/** What a version before 0012 stored: names of columns, and the name of a view over the table. */
interface OlderSource extends Record<"table" | "id" | "content" | "embedding" | "document" | "position", string> {
  documents?: DocumentSource;
}

/**
 * Replaces what an older version had created for an adopted table: a view over it and functions with its row type, which
 * kept its owner from changing it. Everything is compared afterwards.
 */
export async function convertAdoptions(database: Database): Promise<void> {
  const { rows } = await database.execute<{ name: string; source: OlderSource; present: boolean }>(sql`
    select name, source, to_regclass(source->>'table') is not null as present from reembed.chunkings
    where source is not null and not source ? 'idTypes'`);
  for (const { name, source, present } of rows) {
    if (present) await replaceSource(database, name, await convert(database, source), dropOlder(name));
  }
  await guardExpressions(database);
}

/** Before 0018 a row on which an expression fails was not set aside. */
async function guardExpressions(database: Database): Promise<void> {
  const { rows } = await database.execute<{ name: string; source: AdoptedSource }>(sql`
    select name, source from reembed.chunkings
    where source ? 'idTypes' and expressions is null and to_regclass(source->>'table') is not null`);
  for (const { name, source } of rows) {
    if (readFrom(name, source).expressions !== null) await replaceSource(database, name, source);
  }
}

async function convert(database: Database, older: OlderSource): Promise<AdoptedSource> {
  const table = await readTable(database, older.table);
  const [id, content, embedding, document, position] = [
    older.id,
    older.content,
    older.embedding,
    older.document,
    older.position,
  ].map(quoted);
  const key = findColumn(table, older.document);
  const { documents } = older;
  return {
    ...{ table: older.table, id: [`${id}`], content: `${content}`, embedding: `${embedding}` },
    ...{ document: `${document}`, position: `${position}`, idTypes: ["bigint"], numbered: false },
    documentType: key === undefined ? "text" : keyType(key),
    ...(documents === undefined ? {} : { documents: quoteAll(documents) }),
  };
}

function quoteAll({ table, ...columns }: DocumentSource): DocumentSource {
  const entries = Object.entries(columns).map(([part, column]) => [part, quoted(column ?? "")]);
  return { table, ...Object.fromEntries(entries) };
}

/** In the transaction that creates what replaces them, so that no change passes by. */
function dropOlder(chunking: string) {
  return async (transaction: Pick<Database, "execute">) => {
    const { rows } = await transaction.execute<{ name: string; table: string; documents: string | null }>(sql`
      select p.name, c.source->>'table' as table, c.source->'documents'->>'table' as documents
      from reembed.chunkings c left join reembed.profiles p on p.chunking = c.name where c.name = ${chunking}`);
    for (const { name } of rows) await transaction.execute(sql.raw(`drop view if exists ${profileView(name)}`));
    const [first] = rows;
    const statements = [
      `drop trigger if exists reembed_move on ${first?.table}`,
      `drop view if exists ${adoptedFunction("chunks", chunking)}`,
      `drop view if exists ${adoptedFunction("documents", chunking)}`,
      `drop function if exists ${adoptedFunction("chunk_id", chunking)}(${first?.table})`,
      `drop function if exists ${adoptedFunction("chunk_document", chunking)}(${first?.table})`,
      ...(first?.documents == null
        ? []
        : [`drop function if exists ${adoptedFunction("document_key", chunking)}(${first.documents})`]),
    ];
    for (const statement of statements) await transaction.execute(sql.raw(statement));
  };
}
