import { describeOnEachServer, testProfile } from "@reembed/testing";
import { getTableColumns, getTableName, is, sql } from "drizzle-orm";
import { PgTable } from "drizzle-orm/pg-core";
import { beforeAll, expect, test } from "vitest";
import journal from "../../../../drizzle/meta/_journal.json" with { type: "json" };
import { registerProfiles } from "../registration/registration.ts";
import * as schema from "../schema/tables.ts";
import { type Database, openDatabase } from "./database.ts";
import { checkTables, migrateDatabase } from "./migrate.ts";

const profiles = [testProfile("mini-rubert"), testProfile("mini-m3")];

describeOnEachServer(
  "the schema",
  (open, kind) => {
    let database: Database;
    // PGlite's connections share one session and all its advisory locks; instead, its folder has a single owner.
    const starters = kind === "embedded" ? 1 : 4;
    beforeAll(async () => {
      const servers = await open({ empty: true });
      const databases = Array.from({ length: starters }, () => openDatabase({ ...servers, maxConnections: 2 }));
      await Promise.all(
        databases.map(async (starter) => {
          await migrateDatabase(starter);
          await registerProfiles(starter, profiles);
        }),
      );
      database = databases[0] ?? openDatabase(servers);
      return async () => void (await Promise.all(databases.map((starter) => starter.$client.end())));
    });

    test(`${starters} that migrate and register at the same time do it once, and a repetition does nothing`, async () => {
      const counts = async () => {
        const { rows } = await database.execute<{ migrations: number; partitions: number }>(sql`
          select (select count(*)::int from reembed.migrations) as migrations,
            (select count(*)::int from pg_inherits i join pg_class c on c.oid = i.inhrelid
             where c.relkind = 'r') as partitions`);
        return rows[0];
      };
      expect(await counts()).toEqual({ migrations: journal.entries.length, partitions: 4 });
      await migrateDatabase(database);
      await registerProfiles(database, profiles);
      expect(await counts()).toEqual({ migrations: journal.entries.length, partitions: 4 });
    });

    test("the tables match the Drizzle schema column by column", async () => {
      const { rows } = await database.execute<{ table: string; column: string; type: string; required: boolean }>(sql`
        select c.relname as table, a.attname as column, format_type(a.atttypid, a.atttypmod) as type,
          a.attnotnull as required
        from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'reembed' and c.relkind in ('r', 'p') and not c.relispartition and a.attnum > 0
          and not a.attisdropped and c.relname <> 'migrations'
        order by 1, 2`);
      const declared = Object.values(schema)
        .filter((table) => is(table, PgTable))
        .flatMap((table) =>
          Object.values(getTableColumns(table)).map((column) => ({
            table: getTableName(table),
            column: column.name,
            type: column.getSQLType().replace("bigserial", "bigint"),
            required: column.notNull,
          })),
        );
      const order = (a: { table: string; column: string }, b: { table: string; column: string }) =>
        `${a.table}.${a.column}` < `${b.table}.${b.column}` ? -1 : 1;
      expect(declared.sort(order)).toEqual(rows.sort(order));
    });

    test("chunks and vectors are partitioned, chunks are deleted with their document, and no foreign key of vectors locks chunks", async () => {
      const { rows } = await database.execute<{ table: string; key: string }>(sql`
        select relname as table, pg_get_partkeydef(oid) as key from pg_class where relkind = 'p' order by 1`);
      expect(rows).toEqual([
        { table: "chunk_embeddings", key: "LIST (profile)" },
        { table: "chunks", key: "LIST (chunking)" },
      ]);
      const cascades = await database.execute<{ from: string; to: string }>(sql`
        select conrelid::regclass::text as from, confrelid::regclass::text as to from pg_constraint
        where contype = 'f' and confdeltype = 'c' and conrelid in (select inhrelid from pg_inherits) order by 1`);
      expect(cascades.rows).toEqual([
        { from: 'reembed."chunks_1500-150"', to: "reembed.documents" },
        { from: 'reembed."chunks_6000-300"', to: "reembed.documents" },
      ]);
    });

    test("a program that is older than the tables is refused by its checks and by its migrations, and changes nothing", async () => {
      const future = Math.max(...journal.entries.map(({ when }) => when)) + 1;
      await database.execute(sql`insert into reembed.migrations (hash, created_at) values ('future', ${future})`);
      const refused = { code: "tables_newer", exitCode: 3, remedy: expect.stringContaining("reembed --version") };
      await expect(checkTables(database)).rejects.toMatchObject(refused);
      await expect(migrateDatabase(database)).rejects.toMatchObject(refused);
      await database.execute(sql`delete from reembed.migrations where created_at = ${future}`);
      await checkTables(database);
    });

    test("a profile that was registered with another model is refused", async () => {
      const other = { ...testProfile("mini-m3"), model: { ...testProfile("mini-m3").model, revision: "other" } };
      await expect(registerProfiles(database, [other])).rejects.toThrow(
        /mini-m3 was registered with mini-m3 at trained-1/,
      );
    });
  },
  ["embedded", "PostgreSQL"],
);
