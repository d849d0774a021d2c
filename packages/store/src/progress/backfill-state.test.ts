import { describeOnEachServer, openTestDatabase, storeBodies, testProfile, waitFor } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { takeChanges } from "../changes/change-log.ts";
import { readDueChanges } from "../changes/changes.ts";
import { storeDocuments } from "../corpus/documents.ts";
import { readProfile } from "../profiles/profiles.ts";
import { advanceCursor, startBackfill } from "./backfill-state.ts";

const m3 = testProfile("mini-m3");

// Locks need separate sessions, but PGlite has one for all connections.
describeOnEachServer(
  "the start of a backfill",
  (open) => {
    test("does not wait for a chunk that is being written, which becomes a change after its commit", async () => {
      await using database = await openTestDatabase(await open(), [m3]);
      await storeBodies(database, ["first"]);
      const registered = await readProfile(database, m3.name);
      const relation = sql.raw(registered.relation);
      let written = 0;
      await database.transaction(async (writer) => {
        const { rows } = await writer.execute<{ id: string }>(sql`
          insert into ${relation} (chunking, document_id, position, start_offset, end_offset, content)
          select ${registered.chunking}, id, 1, 5, 11, 'second' from reembed.documents returning id`);
        written = Number(rows[0]?.id);
        expect(await startBackfill(database, registered)).toBe(true);
      });
      const backfilling = await readProfile(database, m3.name);
      expect(backfilling.state).toBe("backfilling");
      expect(backfilling.backfillTarget).toBeLessThan(written);
      await takeChanges(database);
      expect(await readDueChanges(database, backfilling, { limit: 10, queueIsEmpty: false })).toEqual([written]);
    });

    test("waits for a tick that processes the log, and sets no target below a chunk that the tick has processed", async () => {
      await using database = await openTestDatabase(await open(), [m3]);
      await storeBodies(database, ["first"]);
      const registered = await readProfile(database, m3.name);
      let begun: Promise<boolean> = Promise.resolve(false);
      await database.transaction(async (tick) => {
        await tick.execute(sql`select reembed.take_changes(10)`);
        begun = startBackfill(database, registered);
        await waitFor("the backfill to wait", async () => {
          const waiting = await database.execute(sql`
            select from pg_locks where locktype = 'advisory' and not granted`);
          return waiting.rows.length > 0;
        });
        const second = { uri: "second", title: "", language: "en", body: "second", metadata: {} };
        await storeDocuments(database, [second]);
        await tick.execute(sql`select reembed.take_changes(10)`);
      });
      expect(await begun).toBe(true);
      const { rows } = await database.execute(sql`
        select from ${sql.raw(registered.relation)} where id > (
          select backfill_target from reembed.profiles where name = ${m3.name})`);
      expect(rows).toEqual([]);
    });

    test("records later writes as changes, and lets only one of two producers move its cursor", async () => {
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
