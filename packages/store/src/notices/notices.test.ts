import { describeOnEachServer, openTestDatabase, testProfile } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { beforeAll, beforeEach, expect, test } from "vitest";
import type { Database } from "../database/database.ts";
import { removeExpired } from "../database/retention.ts";
import { readFacts } from "./facts.ts";
import {
  type Condition,
  claimNotice,
  lockNotices,
  markDelivered,
  markFailed,
  readUndelivered,
  recordConditions,
} from "./notices.ts";

const stalled: Condition = {
  ...{
    kind: "backfill.stalled",
    occurrence: "mini-m3",
    profile: "mini-m3",
    occurredAt: new Date("2026-11-27T02:31:00Z"),
  },
  ...{ begins: true, holdSeconds: 0, detail: { text: "It stands still." } },
};

describeOnEachServer(
  "a notice",
  (open, kind) => {
    let database: Database;
    beforeAll(async () => {
      database = await openTestDatabase(await open(), [testProfile("mini-m3")]);
      return () => database.$client.end();
    });
    beforeEach(async () => {
      await database.execute(sql`truncate reembed.notices`);
    });
    const record = (...conditions: Condition[]) => recordConditions(database, conditions);

    test("is written once while its condition lasts, and again after its end", async () => {
      expect([await record(stalled), await record(stalled)]).toEqual([1, 0]);
      const first = await claimNotice(database);
      expect(first).toMatchObject({ attempts: 1, occurredAt: stalled.occurredAt, detail: stalled.detail });
      expect([await record(), await record(stalled)]).toEqual([0, 1]);
      expect((await claimNotice(database))?.id).not.toBe(first?.id);
    });

    test("goes away if its condition ends before anybody was told, and says until then what is so now", async () => {
      await record({ ...stalled, holdSeconds: 600 });
      expect(await claimNotice(database)).toBeUndefined();
      await record({ ...stalled, begins: false });
      await record({ ...stalled, detail: { text: "It still does." } });
      await database.execute(sql`update reembed.notices set next_attempt_at = now()`);
      expect(await claimNotice(database)).toMatchObject({ detail: { text: "It still does." } });
      await database.execute(sql`update reembed.notices set attempts = 0`);
      await record();
      expect((await database.execute(sql`select from reembed.notices`)).rows).toEqual([]);
    });

    test("is not begun by what only keeps one open", async () => {
      expect(await record({ ...stalled, begins: false })).toBe(0);
    });

    test("is taken by one process at a time, and again when that has failed", async () => {
      await record(stalled);
      const claims = await Promise.all([1, 2, 3].map(() => claimNotice(database)));
      const [notice, ...others] = claims.filter((claim) => claim !== undefined);
      expect(others).toEqual([]);
      if (notice === undefined) throw new Error("Nobody has taken it");
      expect(await markFailed(database, notice, { error: "HTTP 500", waitMs: 0 })).toBe(false);
      expect(await readUndelivered(database)).toEqual({ failing: 1, givenUp: 0, error: "HTTP 500", lost: null });
      expect(await claimNotice(database)).toMatchObject({ id: notice.id, attempts: 2 });
      await markDelivered(database, notice);
      expect(await readUndelivered(database)).toBeUndefined();
      expect(await claimNotice(database)).toBeUndefined();
    });

    test("is given up after three days, and then says what was lost", async () => {
      await record(stalled);
      await database.execute(sql`update reembed.notices set noticed_at = now() - interval '73 hours'`);
      const notice = await claimNotice(database);
      if (notice === undefined) throw new Error("Nobody has taken it");
      expect(await markFailed(database, notice, { error: "HTTP 404", waitMs: 0 })).toBe(true);
      const lost = "It stands still.";
      expect(await readUndelivered(database)).toEqual({ failing: 0, givenUp: 1, error: "HTTP 404", lost });
    });

    test("is removed a month after it was written, if its condition has ended", async () => {
      await record(stalled, { ...stalled, kind: "budget.spent" });
      await database.execute(sql`update reembed.notices set noticed_at = now() - interval '31 days', attempts = 1`);
      await record(stalled);
      await removeExpired(database, { searchDays: 0, throughputDays: 0 });
      const { rows } = await database.execute(sql`select kind from reembed.notices`);
      expect(rows).toEqual([{ kind: "backfill.stalled" }]);
    });

    test("is written from facts that are read without a lock on anything", async () => {
      await database.execute(sql`
        insert into reembed.quarantined_chunks (profile, chunk_id, content_hash, reason, detail)
        values ('mini-m3', 1, '', 'empty_text', '')`);
      const facts = await database.transaction((transaction) => readFacts(transaction));
      expect(facts.profiles).toMatchObject([{ name: "mini-m3", quarantined: 1, chunks: 0, budget: null }]);
    });

    test.skipIf(kind === "embedded")("is written by one process at a time", async () => {
      await database.transaction(async (transaction) => {
        expect(await lockNotices(transaction)).toBe(true);
        expect(await database.transaction(lockNotices)).toBe(false);
      });
      expect(await database.transaction(lockNotices)).toBe(true);
    });
  },
  ["embedded", "PostgreSQL", "PostgreSQL, in another schema"],
);
