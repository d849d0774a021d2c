import { describeOnEachServer, openTestDatabase, storeBodies, testProfile } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { readProfile } from "../profiles/profiles.ts";
import { startBackfill } from "../progress/backfill-state.ts";
import { takeChanges } from "./change-log.ts";
import { readDueChanges } from "./changes.ts";

const m3 = testProfile("mini-m3");

// Row security does not apply to the only role of PGlite.
describeOnEachServer(
  "the log of changes",
  (open) => {
    test("is not processed while a policy hides rows: they are not taken for deleted, and no vector goes", async () => {
      await using database = await openTestDatabase(await open(), [m3]);
      await storeBodies(database, ["first", "second"]);
      const profile = await readProfile(database, m3.name);
      await database.execute(sql`
        insert into reembed.chunk_embeddings (profile, chunk_id, content_hash, embedding, model_revision)
        select ${m3.name}, id, '', array_fill(1, array[${m3.model.dimensions}::int])::halfvec, ''
        from ${sql.raw(profile.relation)}`);
      const role = `reembed_${Date.now()}`;
      await database.execute(
        sql.raw(`
        create role ${role}; grant usage on schema reembed to ${role};
        grant select, insert, update, delete on all tables in schema reembed to ${role};
        alter table ${profile.relation} enable row level security`),
      );
      for (const call of ["take_changes(10)", "remove_gone(10)"]) {
        const asRole = database.transaction(async (transaction) => {
          await transaction.execute(sql.raw(`set local role ${role}`));
          await transaction.execute(sql.raw(`select reembed.${call}`));
        });
        await expect(asRole).rejects.toMatchObject({
          cause: { message: expect.stringContaining("row-level security") },
        });
      }
      await database.execute(sql.raw(`drop owned by ${role}; drop role ${role}`));
      const { rows } = await database.execute(sql`select from reembed.chunk_embeddings`);
      expect(rows.length).toBe(2);
    });

    test("is processed in a moment when it is long, although it was vacuumed while it was empty", async () => {
      await using database = await openTestDatabase(await open(), [m3]);
      await storeBodies(database, ["first"]);
      await startBackfill(database, await readProfile(database, m3.name));
      const profile = await readProfile(database, m3.name);
      await takeChanges(database);
      const fill = (rows: number) =>
        database.execute(sql`
          insert into reembed.change_log (chunking, chunk_id)
          select ${profile.chunking}, c.id from ${sql.raw(profile.relation)} c, generate_series(1, ${rows}::int)`);
      await fill(20_000);
      await database.execute(sql`delete from reembed.change_log`);
      await database.execute(sql`vacuum analyze reembed.change_log`);
      await fill(60_000);
      // As a join of 10,000 rows with the whole log it took minutes.
      await database.transaction(async (transaction) => {
        await transaction.execute(sql`set local statement_timeout = '20s'`);
        const { rows } = await transaction.execute(sql`select * from reembed.take_changes(10000)`);
        expect(rows).toEqual([{ moved: 10_000, gone: 0, failed: [] }]);
      });
    });

    test("gives no ids that are not exact numbers in JavaScript", async () => {
      await using database = await openTestDatabase(await open(), [m3]);
      const profile = await readProfile(database, m3.name);
      await database.execute(sql`
        insert into reembed.chunk_changes (profile, chunk_id)
        select ${profile.name}, unnest(array[7, 9007199254740993, -5, 0]::bigint[])`);
      const due = await readDueChanges(database, profile, { limit: 10, queueIsEmpty: false });
      expect(due.sort((a, b) => a - b)).toEqual([-5, 0, 7]);
    });
  },
  ["PostgreSQL"],
);
