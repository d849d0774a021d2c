import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Profile } from "@reembed/core";
import { describeOnEachServer, testProfile } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { migrate } from "drizzle-orm/node-postgres/migrator";
import { expect, onTestFinished, test } from "vitest";
import { takeChanges } from "../changes/change-log.ts";
import { readKnownProfiles } from "../profiles/known-profiles.ts";
import { readProfile } from "../profiles/profiles.ts";
import { readCoverage } from "../progress/coverage.ts";
import { registerProfiles } from "../registration/registration.ts";
import { type Database, openDatabase } from "./database.ts";
import { migrateDatabase } from "./migrate.ts";

const m3 = testProfile("mini-m3");
const rubert = testProfile("mini-rubert");
const folder = join(import.meta.dirname, "../../../../drizzle");

/** Creates the tables of an older version, with the migrations before this one. */
async function migrateBefore(database: Database, tag: string): Promise<void> {
  const older = mkdtempSync(join(tmpdir(), "reembed-older-"));
  onTestFinished(() => rmSync(older, { recursive: true }));
  cpSync(folder, older, { recursive: true });
  const file = join(older, "meta/_journal.json");
  const journal = JSON.parse(readFileSync(file, "utf8")) as { entries: { tag: string }[] };
  const end = journal.entries.findIndex((entry) => entry.tag === tag);
  writeFileSync(file, JSON.stringify({ ...journal, entries: journal.entries.slice(0, end) }));
  await database.execute(sql`create extension if not exists vector`);
  await migrate(database, { migrationsFolder: older, migrationsSchema: "reembed", migrationsTable: "migrations" });
}

/** Today's registration also records the models and follows the counts, with tables and triggers that older versions did not have. */
async function registerAsBefore(database: Database, profiles: readonly Profile[]): Promise<void> {
  await database.execute(sql`
    create table reembed.models (id text, revision text, dimensions int, output_dimensions int, max_tokens int, pooling text,
      query_prompt text, passage_prompt text, endpoint text, served_name text, price_per_million float8, unknown boolean,
      created_at timestamptz)`);
  await database.execute(sql`
    create function reembed.mark_all() returns trigger language plpgsql as 'begin return null; end'`);
  await database.execute(sql`create function reembed.follow_vectors(text) returns void language sql as ''`);
  await registerProfiles(database, profiles);
  await database.execute(sql`drop table reembed.models`);
  await database.execute(sql`drop function reembed.mark_all cascade`);
  await database.execute(sql`drop function reembed.follow_vectors`);
}

describeOnEachServer(
  "a database of an older version",
  (open) => {
    test("keeps its changes and vectors, has no foreign key that locks chunks any more, and continues with the log", async () => {
      const database = openDatabase(await open({ empty: true }));
      onTestFinished(() => database.$client.end());
      await migrateBefore(database, "0010_change_log");
      await registerAsBefore(database, [m3]);
      const relation = sql.raw((await readProfile(database, m3.name)).relation);
      const partition = sql.raw(`reembed."chunk_embeddings_${m3.name}"`);
      await database.execute(
        sql`alter table ${partition} add foreign key (chunk_id) references ${relation} (id) on delete cascade`,
      );
      await database.execute(sql`update reembed.profiles set state = 'backfilled', backfill_target = 10`);
      await database.execute(sql`
        insert into reembed.documents (uri, title, language, body) values ('a', '', 'en', 'a'), ('b', '', 'en', 'b')`);
      await database.execute(sql`
        insert into ${relation} (chunking, document_id, position, start_offset, end_offset, content)
        select (select chunking from reembed.profiles), id, 0, 0, 1, body from reembed.documents`);
      await database.execute(sql`
        insert into ${partition} (profile, chunk_id, content_hash, embedding, model_revision)
        select ${m3.name}, id, sha256(convert_to(content, 'UTF8')), array_fill(0.1::real, array[1024])::vector::halfvec, ''
        from ${relation}`);

      await migrateDatabase(database);
      const keys = await database.execute(sql`
        select from pg_constraint where contype = 'f' and conrelid = to_regclass('reembed."chunk_embeddings_mini-m3"')`);
      expect(keys.rows).toEqual([]);
      expect((await readKnownProfiles(database)).registered).toEqual(new Map([[m3.name, m3.model]]));
      const profile = await readProfile(database, m3.name);
      // The trigger of the older version wrote them before the migration.
      expect(await readCoverage(database, profile)).toMatchObject({ chunks: 2, changes: 2 });
      await database.execute(sql`delete from reembed.documents where uri = 'a'`);
      await database.execute(sql`update ${relation} set content = 'edited'`);
      expect(await readCoverage(database, profile)).toMatchObject({ chunks: 1, embedded: 0, changes: 2 });
      await takeChanges(database);
      expect(await readCoverage(database, profile)).toMatchObject({ chunks: 1, embedded: 0, changes: 1 });
      const { rows } = await database.execute(sql`select from ${partition}`);
      expect(rows.length).toBe(1);
    });

    test("has an adopted table that no view or function of ours depends on any more, and all its changes", async () => {
      const database = openDatabase(await open({ empty: true }));
      onTestFinished(() => database.$client.end());
      await migrateBefore(database, "0012_any_table");
      await registerAsBefore(database, [rubert]);
      await database.$client.query(olderAdoption);
      await database.execute(sql`update parts set content = 'edited before' where id = 1`);

      await migrateDatabase(database);
      const profile = await readProfile(database, rubert.name);
      expect(profile.source).toEqual({
        ...{ table: "public.parts", id: ['"id"'], content: '"content"', embedding: '"vector"', idTypes: ["bigint"] },
        ...{ document: '"the document"', position: '"place"', documentType: "text", numbered: false },
        documents: { table: "public.wholes", key: '"key"', title: '"title"' },
      });
      const left = await database.execute(sql`
        select proname as name from pg_proc where proname ~ '1500-150' union all
        select relname from pg_class where relkind = 'v' and relnamespace = 'reembed'::regnamespace union all
        select tgname from pg_trigger where tgrelid = 'parts'::regclass order by 1`);
      expect(left.rows.map(({ name }) => name)).toEqual([
        "follow_chunk_1500-150",
        "follow_document_1500-150",
        "logged_changes",
        "reembed_delete",
        "reembed_edit",
        "reembed_insert",
        "reembed_truncate",
      ]);
      await database.execute(sql`alter table parts alter column content type varchar(100), add column more int`);
      await database.execute(sql`update parts set content = 'edited' where id = 2`);
      await takeChanges(database);
      const { rows } = await database.execute(
        sql`select chunk_id from reembed.chunk_changes where profile = ${rubert.name} order by 1`,
      );
      expect(rows).toEqual([{ chunk_id: "1" }, { chunk_id: "2" }]);
      await database.execute(sql`drop table parts`);
    });
  },
  ["embedded", "PostgreSQL"],
);

/** What a version before 0012 created for `adopt public.parts --documents public.wholes`, and a vector of each row. */
const olderAdoption = `
  create table parts (id int primary key, "the document" text, place int, content text, vector vector(312));
  create table wholes (key text primary key, title text);
  insert into parts select i, 'a', i, 'text', array_fill(0.1::real, array[312])::vector from generate_series(1, 3) i;
  drop view reembed."search_mini-rubert";
  drop table reembed."chunks_1500-150";
  create view reembed."chunks_1500-150" as
    select c.id, (select d.id from reembed.documents d where d.source_key = coalesce(c."the document", '')) as document_id,
      place as position, 0 as start_offset, 0 as end_offset, coalesce(c.content, '')::text as content,
      c."the document" as source_document from parts c;
  create view reembed."documents_1500-150" as
    select key as source_document, null::text as uri, title, null::text as language, null::text as body from wholes;
  create view reembed."search_mini-rubert" as select c.id, c.content from reembed."chunks_1500-150" c;
  create function reembed."chunk_id_1500-150"(chunk parts) returns bigint language sql immutable return (chunk).id;
  create function reembed."chunk_document_1500-150"(chunk parts) returns text language sql stable
    return coalesce((chunk)."the document", '');
  create function reembed."document_key_1500-150"(document wholes) returns text language sql stable return (document).key;
  create function reembed."follow_chunk_1500-150"() returns trigger language plpgsql security definer as $$
    begin
      perform reembed.note_chunk('1500-150', reembed."chunk_id_1500-150"(coalesce(new, old)));
      return null;
    end $$;
  create trigger reembed_insert after insert on parts for each row execute function reembed."follow_chunk_1500-150"('text');
  create trigger reembed_edit after update on parts for each row when (old.content is distinct from new.content)
    execute function reembed."follow_chunk_1500-150"('text');
  create trigger reembed_move after update on parts for each row when (old.place is distinct from new.place)
    execute function reembed."follow_chunk_1500-150"('place');
  create trigger reembed_delete after delete on parts for each row execute function reembed."follow_chunk_1500-150"('text');
  create trigger reembed_truncate after truncate on parts for each statement
    execute function reembed.follow_truncate('1500-150');
  update reembed.chunkings set source = '{"table": "public.parts", "id": "id", "content": "content", "embedding": "vector",
    "document": "the document", "position": "place", "documents": {"table": "public.wholes", "key": "key", "title": "title"}}';
  update reembed.profiles set state = 'backfilled', backfill_target = 3;
  insert into reembed."chunk_embeddings_mini-rubert" (profile, chunk_id, content_hash, embedding, model_revision)
  select 'mini-rubert', id, sha256(convert_to(content, 'UTF8')), vector::halfvec, '' from parts`;
