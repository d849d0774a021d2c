import { describeOnEachServer, openTestDatabase, testProfile } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { beforeAll, beforeEach, expect, test } from "vitest";
import type { Database } from "./database.ts";
import { removeExpired } from "./retention.ts";

const retention = { searchDays: 90, throughputDays: 30 };

describeOnEachServer(
  "expired rows",
  (open, kind) => {
    let database: Database;
    beforeAll(async () => {
      database = await openTestDatabase(await open(), [testProfile("mini-rubert"), testProfile("mini-m3")]);
      return () => database.$client.end();
    });
    beforeEach(async () => {
      await database.execute(sql`truncate reembed.search_events, reembed.search_feedback, reembed.throughput`);
      // For each of the last hundred days: a search of each profile, feedback, and a minute of work.
      await database.execute(sql`
        insert into reembed.search_events (request_id, profile, searched_at, took_ms, results)
        select gen_random_uuid(), name, now() - n * interval '1 day', 1, 0
        from generate_series(100, 1, -1) n, (values ('mini-rubert'), ('mini-m3')) as profiles (name)`);
      await database.execute(sql`
        insert into reembed.search_feedback (request_id, chunk_id, kind, given_at)
        select gen_random_uuid(), 1, 'helpful', now() - n * interval '1 day' from generate_series(100, 1, -1) n`);
      await database.execute(sql`
        insert into reembed.throughput (profile, minute, chunks, tokens)
        select 'mini-m3', now() - n * interval '1 day', 1, 1 from generate_series(1, 100) n`);
    });

    test("are removed, and no younger ones", async () => {
      expect(await removeExpired(database, retention)).toEqual({ removed: 22 + 11 + 71, more: false });
      expect(await kept()).toEqual({ searches: [178, 89], feedback: [89, 89], throughput: [29, 29] });
      expect(await removeExpired(database, retention)).toEqual({ removed: 0, more: false });
    });

    test("are removed in limited numbers, the oldest first, until none is left", async () => {
      expect(await removeExpired(database, retention, 5)).toEqual({ removed: 15, more: true });
      const calls = [];
      do calls.push(await removeExpired(database, retention, 5));
      while (calls.at(-1)?.more === true && calls.length < 100);
      expect(await kept()).toEqual({ searches: [178, 89], feedback: [89, 89], throughput: [29, 29] });
    });

    test("are kept if the setting is 0 days", async () => {
      expect(await removeExpired(database, { searchDays: 0, throughputDays: 30 })).toEqual({
        removed: 71,
        more: false,
      });
      expect(await removeExpired(database, { searchDays: 90, throughputDays: 0 })).toEqual({
        removed: 33,
        more: false,
      });
    });

    test.skipIf(kind === "embedded")("are removed once by several concurrent calls, and nobody waits", async () => {
      const calls = await Promise.all(Array.from({ length: 6 }, () => removeExpired(database, retention)));
      expect(calls.reduce((sum, { removed }) => sum + removed, 0)).toBe(104);
      expect(await kept()).toEqual({ searches: [178, 89], feedback: [89, 89], throughput: [29, 29] });
    });

    /** For each table, the number of rows and the age of the oldest in days. */
    async function kept(): Promise<Record<string, [number, number]>> {
      const { rows } = await database.execute<{ name: string; rows: number; days: number }>(sql`
        select name, count(*)::int as rows, extract(day from now() - min(at))::int as days from (
          select 'searches' as name, searched_at as at from reembed.search_events
          union all select 'feedback', given_at from reembed.search_feedback
          union all select 'throughput', minute from reembed.throughput) tables
        group by name`);
      return Object.fromEntries(rows.map((row) => [row.name, [row.rows, row.days]]));
    }
  },
  ["embedded", "PostgreSQL", "PostgreSQL, in another schema"],
);
