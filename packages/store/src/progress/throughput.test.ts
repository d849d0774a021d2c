import { describeOnEachServer, openTestDatabase, testProfile } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { beforeAll, beforeEach, expect, test } from "vitest";
import type { Database } from "../database/database.ts";
import { addThroughput, readThroughput } from "./throughput.ts";

describeOnEachServer(
  "the history of throughput",
  (open) => {
    let database: Database;
    beforeAll(async () => {
      database = await openTestDatabase(await open(), [testProfile("mini-m3")]);
      return () => database.$client.end();
    });
    beforeEach(() => database.execute(sql`delete from reembed.throughput`).then(() => {}));

    test("adds up what several workers embed in a minute, per profile", async () => {
      const at = await now();
      await Promise.all([
        addThroughput(database, "mini-m3", { chunks: 3, tokens: 300 }),
        addThroughput(database, "mini-m3", { chunks: 4, tokens: 400 }),
        addThroughput(database, "mini-rubert", { chunks: 50, tokens: 5_000 }),
      ]);
      const work = (await readThroughput(database, "mini-m3", 2)).filter(({ minute }) => minute >= startOfMinute(at));
      expect(work.reduce((sum, { chunks }) => sum + chunks, 0)).toBe(7);
      expect(work.reduce((sum, { tokens }) => sum + tokens, 0)).toBe(700);
    });

    test("includes idle minutes with zeros, the oldest first", async () => {
      const history = await readThroughput(database, "mini-m3", 60);
      expect(history.length).toBe(60);
      expect(history.every(({ chunks, tokens }) => chunks === 0 && tokens === 0)).toBe(true);
      const minutes = history.map(({ minute }) => minute.getTime());
      expect(minutes).toEqual(minutes.toSorted((a, b) => a - b));
      expect((minutes[1] ?? 0) - (minutes[0] ?? 0)).toBe(60_000);
    });

    async function now(): Promise<Date> {
      const { rows } = await database.execute<{ at: string }>(sql`select extract(epoch from now()) * 1000 as at`);
      return new Date(Number(rows[0]?.at));
    }
  },
  ["embedded", "PostgreSQL"],
);

function startOfMinute(at: Date): Date {
  return new Date(at.getTime() - (at.getTime() % 60_000));
}
