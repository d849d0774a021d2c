import { type SQL, sql } from "drizzle-orm";
import type { Database, Queryable } from "../database/database.ts";
import { applicationTable, withLockTimeout } from "../database/lock-timeout.ts";
import type { AdoptedSource, DocumentSource } from "../schema/corpus.ts";
import { adoptedFunction } from "../schema/relations.ts";
import { bareName, documentKey, keyText } from "./adopted-relation.ts";

/** What fires the triggers on an application's table, by the end of their names. */
const adoptedTriggers = { insert: "insert", edit: "update", delete: "delete", truncate: "truncate" } as const;

/** A subquery with the names of this installation's triggers on an application's table. */
export const triggerNames: SQL = sql`(
  select concat('reembed'::name, '_', kind) as name from unnest(${sql.param(Object.keys(adoptedTriggers))}::text[]) kind)`;

/**
 * Whether triggers fire for each row. They fire for each statement where they can: deleting 10,000 rows in one statement
 * takes 1.5 times as long as without them, and with row triggers 8 to 10 times. But in partitioned tables only row triggers
 * see what is written to a partition directly, and only they fire for a subscription.
 */
async function firesForEachRow(transaction: Queryable, table: string): Promise<boolean> {
  const { rows } = await transaction.execute<{ each: boolean }>(sql`
    select relkind = 'p' or exists (select from pg_subscription_rel where srrelid = c.oid) as each
    from pg_class c where oid = to_regclass(${table})`);
  return rows[0]?.each === true;
}

/** Creates or replaces the function and the triggers that log what is written to the table of chunks. */
export async function followChunks(transaction: Queryable, chunking: string, source: AdoptedSource): Promise<void> {
  const columns = { id: source.numbered ? keyText(source) : `${source.id}`, document: documentKey(source) };
  const place = [source.position, source.title, source.language, source.metadata];
  await follow(transaction, chunking, {
    ...{ name: "follow_chunk", table: source.table, where: source.where, ...columns },
    text: source.content,
    rest: place.filter((expression) => expression !== undefined),
    idType: source.numbered ? "text" : "bigint",
    log: `insert into reembed.change_log (chunking, ${source.numbered ? "key" : "chunk_id"}) select '${chunking}', unnest(ids);`,
  });
}

/** Creates or replaces the function and the triggers that note which documents have changed in their own table. */
export async function followDocuments(
  transaction: Queryable,
  chunking: string,
  { table, key, uri, title, language, body }: DocumentSource,
): Promise<void> {
  await follow(transaction, chunking, {
    ...{ name: "follow_document", table, where: undefined, id: `(${key})::text`, document: key, text: "''" },
    ...{ idType: "text", log: "" },
    rest: [uri, title, language, body].filter((expression) => expression !== undefined),
  });
}

interface Followed {
  name: string;
  table: string;
  where: string | undefined;
  id: string;
  document: string;
  /** A row with another text is logged by its id. */
  text: string;
  /** Of a row that differs in these, only the document is noted. */
  rest: readonly string[];
  idType: "bigint" | "text";
  /** The statement that logs `ids`. */
  log: string;
}

/**
 * The function evaluates the expressions before it writes anything, in a block of its own, so that the application's
 * statement does not fail with them. If one fails on a row, all rows of the statement are logged. If a column is gone, or the
 * document itself cannot be told, everything is compared later. Expressions are text to PostgreSQL, so that nothing depends on the table's columns.
 *
 * Texts are compared byte by byte: under a case-insensitive type or collation, texts may be equal that are embedded
 * differently. Rows are matched by their ids, so that a changed id is a deletion and an insertion.
 */
async function follow(transaction: Queryable, chunking: string, followed: Followed): Promise<void> {
  const each = await firesForEachRow(transaction, followed.table);
  const { table, where, id, document, text, rest, idType, log } = followed;
  const bytes = (expression: string) => `(${expression})::text collate "C"`;
  const rows = (
    of: "old" | "new",
    values = `, ${bytes(text)} as content,
      row(${[document, ...rest].map(bytes).join(", ")}) as rest`,
  ) => `(
    select ${id} as id, coalesce((${document})::text, '') as document${values}
    from ${each ? `(select ${of}.*)` : `${of}_rows`} as ${bareName(table)}${where === undefined ? "" : ` where (${where})`})`;
  const one = (of: "old" | "new") => `
        select array_agg(r.id), array_agg(distinct r.document) into ids, documents from ${rows(of)} r;`;
  const all = (...of: ("old" | "new")[]) => `
          select array_agg(distinct r.id), array_agg(distinct r.document) into ids, documents
          from (${of.map((which) => `select * from ${rows(which, "")} ${which}_one`).join(" union all ")}) r;`;
  const name = adoptedFunction(followed.name, chunking);
  await transaction.execute(
    sql.raw(`
    create or replace function ${name}() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $reembed$
    declare
      ids ${idType}[];
      documents text[];
    begin
      begin
        if tg_op = 'INSERT' then${one("new")}
        elsif tg_op = 'DELETE' then${one("old")}
        else
        select array_agg(coalesce(n.id, o.id)) filter (where n.content is distinct from o.content or n.id is null or o.id is null),
          array_agg(distinct n.document) || array_agg(distinct o.document) into ids, documents
        from ${rows("old")} o full join ${rows("new")} n on n.id = o.id
        where n.content is distinct from o.content or n.rest is distinct from o.rest;
        end if;
      exception when others then
        begin
          if not reembed.blames_row(sqlstate) then raise; end if;
          if tg_op = 'INSERT' then${all("new")}
          elsif tg_op = 'DELETE' then${all("old")}
          else${all("old", "new")}
          end if;
        exception when others then
          insert into reembed.change_log (chunking) values ('${chunking}');
          return null;
        end;
      end;
      ${log}
      insert into reembed.document_changes (key)
      select distinct d from unnest(documents) d where d is not null on conflict do nothing;
      return null;
    end $reembed$`),
  );
  const level = (event: string) => {
    if (each) return "for each row";
    const seen = [event !== "delete" && "new table as new_rows", event !== "insert" && "old table as old_rows"];
    return `referencing ${seen.filter((part) => part !== false).join(" ")} for each statement`;
  };
  for (const [trigger, event] of Object.entries(adoptedTriggers)) {
    const action =
      event === "truncate"
        ? `for each statement execute function reembed.follow_truncate('${chunking}')`
        : `${level(event)} execute function ${name}()`;
    await transaction.execute(
      sql.raw(`create or replace trigger reembed_${trigger} after ${event} on ${table} ${action}`),
    );
  }
}

/**
 * Removes every trigger and function of ours for a chunking's tables, whatever has become of these. Each in a transaction of
 * its own: whoever holds the lock of one table while it waits for that of another could block the application for good.
 * Returns what was removed, as SQL names it.
 */
export async function removeTriggers(database: Database, chunking: string): Promise<string[]> {
  const found = await readTriggers(database, chunking);
  for (const name of found) {
    await withLockTimeout(database, (transaction) => transaction.execute(sql.raw(`drop ${name}`)), applicationTable);
  }
  return found;
}

/** The triggers and functions of ours for a chunking's tables, as DROP names them; triggers first. */
export async function readTriggers(database: Queryable, chunking: string): Promise<string[]> {
  const functions = functionPurposes.map((purpose) => `${purpose}_${chunking}`);
  const { rows } = await database.execute<{ name: string }>(sql`
    with ours as (
      select p.oid, p.proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = 'reembed'::name
    )
    select format('trigger %I on %s', t.tgname, t.tgrelid::regclass) as name, 1 as place
    from pg_trigger t join ours on ours.oid = t.tgfoid
    where t.tgparentid = 0 and (proname = any(${sql.param(functions)}::text[])
      or proname = 'follow_truncate' and (tgnargs = 0 or encode(tgargs, 'escape') = ${`${chunking}\\000`}))
    union all
    select format('function %s', oid::regprocedure), 2 from ours where proname = any(${sql.param(functions)}::text[])
    order by place, name`);
  return rows.map(({ name }) => name);
}

/** The last three are those of a database of an older version. */
const functionPurposes = ["follow_chunk", "follow_document", "chunk_id", "chunk_document", "document_key"];
