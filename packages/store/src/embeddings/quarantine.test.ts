import { describeOnEachServer, openTestDatabase, readBackfillIds, storeBodies, testProfile } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { beforeAll, beforeEach, expect, test } from "vitest";
import { takeChanges } from "../changes/change-log.ts";
import { readDueChanges } from "../changes/changes.ts";
import type { Database } from "../database/database.ts";
import { type RegisteredProfile, readProfile } from "../profiles/profiles.ts";
import { startBackfill } from "../progress/backfill-state.ts";
import { readCoverage } from "../progress/coverage.ts";
import { readPendingChunks } from "./pending.ts";
import { quarantineChunks, readQuarantined, readQuarantinedChunk, retryQuarantined } from "./quarantine.ts";

describeOnEachServer(
  "the quarantine",
  (open) => {
    let database: Database;
    let profile: RegisteredProfile;
    let ids: number[];
    beforeAll(async () => {
      database = await openTestDatabase(await open(), [testProfile("mini-m3")]);
      await storeBodies(database, ["first", "second", "third"]);
      await startBackfill(database, await readProfile(database, "mini-m3"));
      profile = await readProfile(database, "mini-m3");
      ids = await readBackfillIds(database, profile, 10);
      return () => database.$client.end();
    });
    beforeEach(async () => {
      await database.execute(sql`delete from reembed.chunk_changes`);
      await database.execute(sql`delete from reembed.quarantined_chunks`);
      const pending = await readPendingChunks(database, profile, ids);
      const reasons = ["no_tokens", "no_tokens", "too_odd"];
      const rejected = pending.map(({ id, contentHash }, index) => ({
        chunkId: id,
        contentHash,
        reason: reasons[index] ?? "",
        detail: `Number ${index}.`,
      }));
      await quarantineChunks(database, profile, rejected);
    });
    const due = () => readDueChanges(database, profile, { limit: 10, queueIsEmpty: false });

    test("is read page by page, each chunk with its document, reason and attempts", async () => {
      const [first, ...rest] = await readQuarantined(database, profile, { limit: 2 });
      expect(first).toMatchObject({ title: "Text 0", uri: "text-0", reason: "no_tokens", attempts: 1 });
      expect(rest.length).toBe(1);
      const next = await readQuarantined(database, profile, { after: rest[0]?.chunkId ?? 0, limit: 2 });
      expect(next.map(({ reason, detail }) => [reason, detail])).toEqual([["too_odd", "Number 2."]]);
      const odd = await readQuarantined(database, profile, { reason: "too_odd", limit: 2 });
      expect(odd).toEqual(next);
    });

    test("a chunk that is retried leaves it, is pending, and is enqueued as a change", async () => {
      expect(await retryQuarantined(database, profile, { chunkIds: ids.slice(0, 1) })).toBe(1);
      expect(await due()).toEqual(ids.slice(0, 1));
      expect(await readCoverage(database, profile)).toMatchObject({ pending: 1, changes: 1, quarantined: 2 });
      expect(await retryQuarantined(database, profile, { chunkIds: ids.slice(0, 1) })).toBe(0);
    });

    test("does not include a text that was edited since it was rejected, and leaves its change", async () => {
      await retryQuarantined(database, profile, { chunkIds: ids.slice(0, 1) });
      const [chunk] = await readPendingChunks(database, profile, ids);
      await database.execute(sql`update ${sql.raw(profile.relation)} set content = 'edited' where id = ${ids[0]}`);
      await takeChanges(database);
      const rejected = { chunkId: ids[0] ?? 0, contentHash: chunk?.contentHash ?? Buffer.alloc(0), detail: "" };
      expect(await quarantineChunks(database, profile, [{ ...rejected, reason: "no_tokens" }])).toEqual([]);
      expect(await due()).toEqual(ids.slice(0, 1));
      await database.execute(sql`update ${sql.raw(profile.relation)} set content = 'first' where id = ${ids[0]}`);
      await takeChanges(database);
    });

    test("all chunks with a reason are retried at once, and those with another reason stay", async () => {
      expect(await retryQuarantined(database, profile, { reason: "no_tokens" })).toBe(2);
      expect((await due()).toSorted()).toEqual(ids.slice(0, 2).toSorted());
      expect((await readQuarantined(database, profile, { limit: 9 })).map(({ chunkId }) => chunkId)).toEqual(
        ids.slice(2),
      );
    });

    test("includes a chunk of an adopted corpus whose document does not exist yet", async () => {
      await database.execute(sql`
        create view reembed.adopted as select id, 0::bigint as document_id, content from ${sql.raw(profile.relation)}`);
      const adopted = { ...profile, relation: "reembed.adopted" };
      const first = { chunkId: ids[0], documentId: 0, title: null, uri: null, reason: "no_tokens" };
      expect((await readQuarantined(database, adopted, { limit: 1 }))[0]).toMatchObject(first);
      expect(await readQuarantinedChunk(database, adopted, ids[0] ?? 0)).toMatchObject({ ...first, content: "first" });
      expect(await readQuarantinedChunk(database, adopted, 0)).toBeUndefined();
    });
  },
  ["embedded", "PostgreSQL", "PostgreSQL, in another schema"],
);
