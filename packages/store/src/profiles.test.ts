import { describeOnEachServer, openTestDatabase, storeBodies, testProfile, waitFor } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { readDueChanges } from "./changes.ts";
import { advanceCursor, readProfile, startBackfill } from "./profiles.ts";

const m3 = testProfile("mini-m3");

// Locks need sessions of their own: PGlite has one for all its connections.
describeOnEachServer(
  "a backfill that begins",
  (open) => {
    test("waits for a chunk that is being written, which no trigger recorded, and has it below its target", async () => {
      await using database = await openTestDatabase(await open(), [m3]);
      await storeBodies(database, ["first"]);
      const registered = await readProfile(database, m3.name);
      const relation = sql.raw(registered.relation);
      let begun: Promise<boolean> = Promise.resolve(false);
      let written = 0;
      await database.transaction(async (writer) => {
        const { rows } = await writer.execute<{ id: string }>(sql`
          insert into ${relation} (chunking, document_id, position, start_offset, end_offset, content)
          select ${registered.chunking}, id, 1, 5, 11, 'second' from reembed.documents returning id`);
        written = Number(rows[0]?.id);
        begun = startBackfill(database, registered);
        await waitFor("the backfill to wait", async () => {
          const waiting = await database.execute(sql`
            select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`);
          return waiting.rows.length > 0;
        });
      });
      expect(await begun).toBe(true);
      const backfilling = await readProfile(database, m3.name);
      expect(backfilling).toMatchObject({ state: "backfilling", backfillTarget: written });
      expect(await readDueChanges(database, backfilling, { limit: 10, queueIsEmpty: false })).toEqual([]);
    });

    test("records what is written from then on as a change, and lets one of two producers move its cursor", async () => {
      await using database = await openTestDatabase(await open(), [m3]);
      await storeBodies(database, ["first"]);
      await startBackfill(database, await readProfile(database, m3.name));
      await storeBodies(database, ["first", "second"]);
      const profile = await readProfile(database, m3.name);
      expect((await readDueChanges(database, profile, { limit: 10, queueIsEmpty: false })).length).toBe(1);
      const target = profile.backfillTarget;
      expect([await advanceCursor(database, profile, target), await advanceCursor(database, profile, target)]).toEqual([
        true,
        false,
      ]);
    });
  },
  ["PostgreSQL"],
);
