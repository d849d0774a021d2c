import { describeOnEachServer, openTestDatabase, storeBodies, testProfile } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { registerProfiles } from "../registration/registration.ts";
import { type Database, openDatabase } from "./database.ts";
import { describeStatement, isWrite } from "./dry-run.ts";
import { migrateDatabase } from "./migrate.ts";

const profile = testProfile("mini-rubert");

test.each([
  ["select 1", false],
  ["  with x as (select 1) select * from x", false],
  ["begin", false],
  ["set local lock_timeout = '2s'", false],
  ["select updated_at, is_updated from t where update_count > 0", false],
  ["with gone as (delete from t returning id) select count(*) from gone", true],
  ["with kept as (select id from t for share of t) select 1", true],
  ["update reembed.profiles p set held = null", true],
  ["lock table t in share mode", true],
  ["select reembed.follow_vectors('mini-m3')", true],
  ["select reembed.count_rows('vectors', 'mini-m3')", false],
  ["create index concurrently i on t (a)", true],
])("%s writes: %s", (statement, expected) => {
  expect(isWrite(statement)).toBe(expected);
});

test("a statement is printed with its parameters, with long ones cut", () => {
  expect(describeStatement("delete from t where id = any($1) and v = $2", [[1, 2], Buffer.alloc(2_048)])).toBe(
    "delete from t where id = any($1) and v = $2;\n-- $1 = [1,2]\n-- $2 = 2048 bytes",
  );
});

async function countDocuments(database: Database): Promise<number> {
  const { rows } = await database.execute<{ count: number }>(sql`select count(*)::int as count from reembed.documents`);
  return rows[0]?.count ?? 0;
}

describeOnEachServer(
  "a dry run",
  (open) => {
    test("prints everything that would set up an empty database, and leaves it empty", async () => {
      const { connectionString } = await open({ empty: true });
      const told: string[] = [];
      const dry = openDatabase({ connectionString, onDryRun: (statement) => told.push(statement) });
      await migrateDatabase(dry);
      await registerProfiles(dry, [profile]);
      const { rows } = await dry.execute<{ schema: string | null }>(sql`select to_regnamespace('reembed') as schema`);
      await dry.$client.end();
      expect(rows).toEqual([{ schema: null }]);
      expect(told.some((statement) => statement.includes('CREATE TABLE "reembed"."chunks"'))).toBe(true);
      expect(told.some((statement) => statement.includes("attach partition"))).toBe(true);
    });

    test("is read-only at the connection: in autocommit, and whatever a transaction requests", async () => {
      const servers = await open();
      await using database = await openTestDatabase(servers, [profile]);
      await storeBodies(database, ["Eins."]);
      await database.execute(sql`
        create function slyer() returns int language sql as 'delete from reembed.documents; select 1'`);
      const dry = openDatabase({ connectionString: servers.connectionString, onDryRun: () => {} });
      const sly = sql`select slyer()`;
      const isReadOnly = { cause: expect.objectContaining({ code: "25006" }) };
      await expect(dry.execute(sly)).rejects.toMatchObject(isReadOnly);
      for (const config of [
        { isolationLevel: "serializable", accessMode: "read write" },
        { isolationLevel: "repeatable read" },
        {},
      ] as const) {
        await expect(dry.transaction((transaction) => transaction.execute(sly), config)).rejects.toMatchObject(
          isReadOnly,
        );
      }
      const unlocked = dry.transaction(async (transaction) => {
        await transaction.execute(sql`set transaction read write`);
        await transaction.execute(sly);
      });
      await expect(unlocked).rejects.toMatchObject({ cause: expect.objectContaining({ code: "25001" }) });
      expect(await countDocuments(dry)).toBe(1);
      await dry.$client.end();
    });

    test("reads existing data, and refuses writes in a transaction that looked like reads", async () => {
      const servers = await open();
      await using database = await openTestDatabase(servers, [profile]);
      await storeBodies(database, ["Eins.", "Zwei."]);
      const dry = openDatabase({ connectionString: servers.connectionString, onDryRun: () => {} });
      expect(await countDocuments(dry)).toBe(2);
      await dry.execute(sql`delete from reembed.documents`);
      await database.execute(sql`
        create function sly() returns void language sql as 'delete from reembed.documents'`);
      const hidden = dry.transaction((transaction) => transaction.execute(sql`select sly()`));
      await expect(hidden).rejects.toThrow();
      await dry.$client.end();
      expect(await countDocuments(database)).toBe(2);
    });
  },
  ["embedded", "PostgreSQL"],
);

describeOnEachServer(
  "a database that is opened to be read",
  (open) => {
    test("is read even where a name looks like a write, and PostgreSQL refuses every write", async () => {
      const { connectionString } = await open({ empty: true });
      const owner = openDatabase({ connectionString });
      await owner.execute(sql`create table "delete from t" (id int)`);
      const database = openDatabase({ connectionString, readOnly: true });
      expect((await database.execute(sql`select count(*)::int as count from "delete from t"`)).rows).toEqual([
        { count: 0 },
      ]);
      const isReadOnly = { cause: expect.objectContaining({ code: "25006" }) };
      await expect(database.execute(sql`insert into "delete from t" values (1)`)).rejects.toMatchObject(isReadOnly);
      const inTransaction = database.transaction((transaction) => transaction.execute(sql`create table u (id int)`), {
        accessMode: "read write",
      });
      await expect(inTransaction).rejects.toMatchObject(isReadOnly);
      await expect(database.execute(sql`select * from missing`)).rejects.toMatchObject({
        cause: expect.objectContaining({ code: "42P01" }),
      });
      for (const { $client } of [database, owner]) await $client.end();
    });
  },
  ["embedded", "PostgreSQL"],
);
