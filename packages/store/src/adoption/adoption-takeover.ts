import { chunkingName, type Profile, ReembedError } from "@reembed/core";
import { and, eq, ne, sql } from "drizzle-orm";
import type { Database, Queryable } from "../database/database.ts";
import { applicationTable, withLockTimeout } from "../database/lock-timeout.ts";
import { withMigrationLock } from "../database/migrate.ts";
import { type ChunkSource, chunkings } from "../schema/corpus.ts";
import { profiles } from "../schema/profiles.ts";
import { adoptedDocuments, adoptedFunction, chunksPartition, profileView } from "../schema/relations.ts";
import { quoted, readAdoption, sourceKey } from "./adoption.ts";

/**
 * Makes an application's table the chunks of a profile: a view over it replaces the profile's own partition, which must be
 * empty, and triggers record changes from now on. The table's rows are not changed.
 *
 * CREATE TRIGGER waits for running writers, at most a tenth of a second at a time. It is the only lock on the table besides
 * that of a reader. The profile's state and target are set under it, so that every chunk is either below the target or in
 * the log. The table of documents comes first and separately, because a process that holds one of the two locks while it
 * waits for the other could block the application for good.
 * @param vectors Whether the table's vectors are the profile's.
 * @throws ReembedError `already_adopted`, `corpus_loaded` or `chunking_used` (exit code 3).
 */
export async function takeOver(
  database: Database,
  profile: Profile,
  source: ChunkSource,
  { vectors }: { vectors: boolean },
): Promise<void> {
  const chunking = chunkingName(profile.chunking);
  await withMigrationLock(database, async (locked) => {
    await refuseOccupied(locked, chunking);
    const follow = (transaction: Queryable) => runAll(transaction, documentStatements(chunking, source));
    await withLockTimeout(locked, follow, applicationTable);
    const takeChunks = async (transaction: Queryable) => {
      await replacePartition(transaction, chunking);
      await runAll(transaction, chunkStatements(chunking, source));
      await transaction.update(chunkings).set({ source }).where(eq(chunkings.name, chunking));
      await transaction.execute(sql`
        update reembed.profiles set
          state = case when newest is null then 'registered' when ${vectors} then 'adopting' else 'backfilling' end,
          backfill_order = 'id', backfill_cursor = 0, backfill_target = coalesce(newest, 0)
        from (select max(id) as newest from ${sql.raw(chunksPartition(chunking))}) chunks where name = ${profile.name}`);
      if (source.chunks === "keep") await moveToAdopted(transaction, chunking);
      // A live system must not get unexpected load: `reembed backfill start` starts it.
      await transaction.execute(
        sql`update reembed.profiles set paused = true where name <> ${profile.name} and state = 'registered'`,
      );
    };
    await withLockTimeout(locked, takeChunks, applicationTable);
  });
}

async function refuseOccupied(database: Queryable, chunking: string): Promise<void> {
  const adoption = await readAdoption(database);
  if (adoption !== undefined) {
    throw new ReembedError(
      "already_adopted",
      `${adoption.source.table} has already been adopted, as chunking ${adoption.chunking}.`,
      {
        exitCode: 3,
        remedy: "A database can have one adopted table; use another database for the other table.",
      },
    );
  }
  const { rows } = await database.execute<{ documents: boolean; chunks: boolean }>(sql`
    select exists (select from reembed.documents where source_key is null) as documents,
      exists (select from ${sql.raw(chunksPartition(chunking))}) as chunks`);
  if (rows[0]?.documents) {
    throw new ReembedError("corpus_loaded", "The database contains documents that were loaded.", {
      exitCode: 3,
      remedy: "Adopt the table in another database: loaded and adopted documents cannot be mixed.",
    });
  }
  if (rows[0]?.chunks) {
    throw new ReembedError("chunking_used", `The chunking ${chunking} already has chunks.`, { exitCode: 3 });
  }
}

/** Nothing writes to a chunking without documents. Its profiles lose what they had recorded about the partition. */
async function replacePartition(transaction: Queryable, chunking: string): Promise<void> {
  const concerned = await transaction
    .select({ name: profiles.name })
    .from(profiles)
    .where(eq(profiles.chunking, chunking));
  for (const { name } of concerned) await transaction.execute(sql.raw(`drop view if exists ${profileView(name)}`));
  await transaction.execute(sql.raw(`drop table ${chunksPartition(chunking)}`));
}

/** Profiles without vectors embed the adopted chunks too. Their views are created again when they are registered. */
async function moveToAdopted(transaction: Queryable, chunking: string): Promise<void> {
  const moved = await transaction
    .update(profiles)
    .set({ chunking })
    .where(and(eq(profiles.state, "registered"), ne(profiles.chunking, chunking)))
    .returning({ name: profiles.name });
  for (const { name } of moved) await transaction.execute(sql.raw(`drop view if exists ${profileView(name)}`));
}

async function runAll(transaction: Queryable, statements: readonly string[]): Promise<void> {
  for (const statement of statements) await transaction.execute(sql.raw(statement));
}

/**
 * The view that represents the chunks, and the triggers that follow the application's table. Ids are not cast: an index on
 * an `integer` is only used for a `bigint` if the column stands alone.
 *
 * Functions with an SQL body, the view and the conditions of triggers refer to columns by number, so that the application
 * may rename its columns.
 */
function chunkStatements(chunking: string, source: ChunkSource): string[] {
  const { table } = source;
  const [id, content, document, position] = [source.id, source.content, source.document, source.position].map(quoted);
  const idOf = adoptedFunction("chunk_id", chunking);
  const documentOf = adoptedFunction("chunk_document", chunking);
  const follow = adoptedFunction("follow_chunk", chunking);
  const offset = (which: string) =>
    `coalesce((select o.${which} from reembed.chunk_offsets o where o.chunking = '${chunking}' and o.chunk_id = c.${id}), 0)`;
  const placed = `(old.${document}, old.${position}) is distinct from (new.${document}, new.${position})`;
  // Byte by byte: under a case-insensitive type or collation, texts may be equal that are embedded differently.
  const bytes = (of: string) => `(${of}.${id}, ${of}.${content}::text collate "C")`;
  const written = `(${bytes("old")} is distinct from ${bytes("new")})`;
  return [
    `create view ${chunksPartition(chunking)} as
     select c.${id} as id,
       (select d.id from reembed.documents d where d.source_key = coalesce(c.${document}::text, '')) as document_id,
       coalesce(c.${position}, 0)::int as position, ${offset("start_offset")} as start_offset,
       ${offset("end_offset")} as end_offset, coalesce(c.${content}, '')::text as content, c.${document} as ${sourceKey}
     from ${table} c`,
    `create or replace function ${idOf}(chunk ${table}) returns bigint language sql immutable return (chunk).${id}`,
    `create or replace function ${documentOf}(chunk ${table}) returns text language sql stable
     return coalesce((chunk).${document}::text, '')`,
    `create or replace function ${follow}() returns trigger
     language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
     begin
       if tg_op <> 'INSERT' then
         perform reembed.note_document(${documentOf}(old));
         if tg_op = 'DELETE' or ${idOf}(old) <> ${idOf}(new) then
           perform reembed.erase_chunk('${chunking}', ${idOf}(old));
         end if;
       end if;
       if tg_op <> 'DELETE' then
         perform reembed.note_document(${documentOf}(new));
         if tg_argv[0] = 'text' then perform reembed.note_chunk('${chunking}', ${idOf}(new)); end if;
       end if;
       return null;
     end $$`,
    trigger("insert", "insert", table, `for each row execute function ${follow}('text')`),
    trigger("edit", "update", table, `for each row when (${written}) execute function ${follow}('text')`),
    trigger(
      "move",
      "update",
      table,
      `for each row when (not ${written} and ${placed}) execute function ${follow}('place')`,
    ),
    trigger("delete", "delete", table, `for each row execute function ${follow}('text')`),
    trigger(
      "truncate",
      "truncate",
      table,
      `for each statement execute function reembed.follow_truncate('${chunking}')`,
    ),
  ];
}

function documentStatements(chunking: string, { documents }: ChunkSource): string[] {
  if (documents === undefined) return [];
  const { table, key, uri, title, language, body } = documents;
  const keyFunction = adoptedFunction("document_key", chunking);
  const follow = adoptedFunction("follow_document", chunking);
  const all = [key, uri, title, language, body].filter((name) => name !== undefined).map(quoted);
  const row = (of: string) => `(${all.map((name) => `${of}.${name}`).join(", ")})`;
  const text = (name: string | undefined) => (name === undefined ? "null::text" : `d.${quoted(name)}::text`);
  return [
    `create or replace view ${adoptedDocuments(chunking)} as
     select d.${quoted(key)} as ${sourceKey}, ${text(uri)} as uri, ${text(title)} as title, ${text(language)} as language,
       ${text(body)} as body from ${table} d`,
    `create or replace function ${keyFunction}(document ${table}) returns text language sql stable
     return coalesce((document).${quoted(key)}::text, '')`,
    `create or replace function ${follow}() returns trigger
     language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
     begin
       if tg_op <> 'INSERT' then perform reembed.note_document(${keyFunction}(old)); end if;
       if tg_op <> 'DELETE' then perform reembed.note_document(${keyFunction}(new)); end if;
       return null;
     end $$`,
    trigger("insert", "insert", table, `for each row execute function ${follow}()`),
    trigger(
      "edit",
      "update",
      table,
      `for each row when (${row("old")} is distinct from ${row("new")}) execute function ${follow}()`,
    ),
    trigger("delete", "delete", table, `for each row execute function ${follow}()`),
    trigger("truncate", "truncate", table, "for each statement execute function reembed.follow_truncate()"),
  ];
}

function trigger(name: string, event: string, table: string, action: string): string {
  return `create or replace trigger reembed_${name} after ${event} on ${table} ${action}`;
}
