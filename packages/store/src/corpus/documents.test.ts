import { describeOnEachServer, openTestDatabase, testProfile } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { beforeAll, beforeEach, expect, test } from "vitest";
import { takeChanges } from "../changes/change-log.ts";
import { readDueChanges } from "../changes/changes.ts";
import type { Database } from "../database/database.ts";
import { type RegisteredProfile, readProfile } from "../profiles/profiles.ts";
import { startBackfill } from "../progress/backfill-state.ts";
import { type DocumentInput, storeDocuments } from "./documents.ts";

const m3 = testProfile("mini-m3", { size: 100, overlap: 0 });

function handbook(paragraphs: readonly string[]): DocumentInput {
  // Each paragraph fills a chunk: the cut is after the blank line behind it.
  const body = paragraphs.map((paragraph) => `${paragraph.padEnd(94, ".")}\n\n`).join("");
  return { uri: "handbook", title: "Handbook", language: "en", body, metadata: {} };
}

describeOnEachServer(
  "storing documents",
  (open) => {
    let database: Database;
    let profile: RegisteredProfile;
    beforeAll(async () => {
      database = await openTestDatabase(await open(), [m3]);
      await storeDocuments(database, [{ ...handbook(["seed"]), uri: "seed" }]);
      await startBackfill(database, await readProfile(database, m3.name));
      profile = await readProfile(database, m3.name);
      return () => database.$client.end();
    });
    beforeEach(async () => {
      await database.execute(sql`delete from reembed.documents where uri <> 'seed'`);
    });

    const changes = async () => {
      await takeChanges(database);
      return await readDueChanges(database, profile, { limit: 100, queueIsEmpty: false });
    };
    const forgetChanges = async () => {
      await takeChanges(database);
      await database.execute(sql`delete from reembed.chunk_changes`);
    };
    const chunks = async () => {
      const { rows } = await database.execute<{ id: string; position: number; start_offset: number; content: string }>(
        sql`select c.id, position, start_offset, content from reembed.chunks c join reembed.documents d on d.id = c.document_id
            where uri = 'handbook' order by position`,
      );
      return rows;
    };

    test("an unchanged document writes nothing", async () => {
      await storeDocuments(database, [handbook(["pay", "leave", "trips"])]);
      const before = await database.execute(sql`select xmin, ctid from reembed.chunks`);
      await forgetChanges();
      const stored = await storeDocuments(database, [handbook(["pay", "leave", "trips"])]);
      expect(stored).toMatchObject({ added: 0, changed: 0, unchanged: 1, chunks: { added: 0, kept: 0, removed: 0 } });
      expect((await database.execute(sql`select xmin, ctid from reembed.chunks`)).rows).toEqual(before.rows);
      expect(await changes()).toEqual([]);
    });

    test("a changed paragraph replaces its own chunk and keeps the others", async () => {
      await storeDocuments(database, [handbook(["pay", "leave", "trips"])]);
      const [pay, leave, trips] = await chunks();
      await forgetChanges();
      const stored = await storeDocuments(database, [handbook(["pay", "sick leave", "trips"])]);
      expect(stored).toMatchObject({ changed: 1, chunks: { added: 1, kept: 2, removed: 1 } });
      const after = await chunks();
      expect(after.map((chunk) => chunk.id === pay?.id || chunk.id === trips?.id)).toEqual([true, false, true]);
      expect(after.some((chunk) => chunk.id === leave?.id)).toBe(false);
      expect(await changes()).toEqual([Number(after[1]?.id)]);
    });

    test("chunks that only move keep their rows and are not embedded again", async () => {
      await storeDocuments(database, [handbook(["pay", "leave"])]);
      const before = await chunks();
      await forgetChanges();
      await storeDocuments(database, [handbook(["new first", "pay", "leave"])]);
      const after = await chunks();
      expect(after.slice(1).map((chunk) => chunk.id)).toEqual(before.map((chunk) => chunk.id));
      expect(after.map((chunk) => [chunk.position, chunk.start_offset])).toEqual([
        [0, 0],
        [1, 96],
        [2, 192],
      ]);
      expect(await changes()).toEqual([Number(after[0]?.id)]);
    });

    test("a new title changes the document and none of its chunks", async () => {
      await storeDocuments(database, [handbook(["pay"])]);
      await forgetChanges();
      const stored = await storeDocuments(database, [{ ...handbook(["pay"]), title: "Other" }]);
      expect(stored).toMatchObject({ changed: 1, chunks: { added: 0, kept: 1, removed: 0 } });
      expect(await changes()).toEqual([]);
    });

    test("a deleted document removes its chunks and their changes", async () => {
      await storeDocuments(database, [handbook(["pay", "leave"])]);
      expect((await changes()).length).toBe(2);
      await database.execute(sql`delete from reembed.documents where uri = 'handbook'`);
      expect(await chunks()).toEqual([]);
      expect(await changes()).toEqual([]);
    });

    test("of two documents with the same uri, the later one is stored", async () => {
      const stored = await storeDocuments(database, [handbook(["pay"]), handbook(["leave"])]);
      expect(stored.added).toBe(1);
      expect((await chunks())[0]?.content).toMatch(/^leave/);
    });
  },
  ["embedded", "PostgreSQL"],
);
