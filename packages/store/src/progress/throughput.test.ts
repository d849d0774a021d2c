import { describeOnEachServer, openTestDatabase, testProfile } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { beforeAll, beforeEach, expect, test } from "vitest";
import type { Database } from "../database/database.ts";
import { addThroughput, readCourse, readThroughput } from "./throughput.ts";

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

    test("over the whole time is read in equal parts, without idle ones, and is undefined before the first vector", async () => {
      const names = ["mini-m3", "mini-rubert"];
      expect(await readCourse(database, names, 10)).toBeUndefined();
      await database.execute(sql`
        insert into reembed.throughput (profile, minute, chunks, tokens)
        select 'mini-m3', '2026-03-01 10:00Z'::timestamptz + g * interval '1 minute', 1, 10 from generate_series(0, 9) g
        union all select 'mini-rubert', '2026-03-01 10:59Z', 5, 50`);
      const course = await readCourse(database, names, 10);
      expect(course).toMatchObject({
        ...{ from: new Date("2026-03-01T10:00Z"), to: new Date("2026-03-01T11:00Z"), secondsPerPart: 360 },
        parts: [
          { profile: "mini-m3", from: new Date("2026-03-01T10:00Z"), chunks: 6, tokens: 60 },
          { profile: "mini-m3", from: new Date("2026-03-01T10:06Z"), chunks: 4 },
          { profile: "mini-rubert", from: new Date("2026-03-01T10:54Z"), chunks: 5 },
        ],
      });
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
