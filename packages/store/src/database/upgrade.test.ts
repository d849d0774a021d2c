import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeOnEachServer, testProfile } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { migrate } from "drizzle-orm/node-postgres/migrator";
import { expect, onTestFinished, test } from "vitest";
import { takeChanges } from "../changes/change-log.ts";
import { readProfile } from "../profiles/profiles.ts";
import { readCoverage } from "../progress/coverage.ts";
import { registerProfiles } from "../registration/registration.ts";
import { type Database, openDatabase } from "./database.ts";
import { migrateDatabase } from "./migrate.ts";

const m3 = testProfile("mini-m3");
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

describeOnEachServer(
  "a database of an older version",
  (open) => {
    test("keeps its changes and vectors, has no foreign key that locks chunks any more, and continues with the log", async () => {
      const database = openDatabase(await open({ empty: true }));
      onTestFinished(() => database.$client.end());
      await migrateBefore(database, "0010_change_log");
      await registerProfiles(database, [m3]);
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
  },
  ["embedded", "PostgreSQL"],
);
